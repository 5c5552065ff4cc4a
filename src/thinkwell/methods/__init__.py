"""Test-time methods, one file each. Files that start with an underscore hold the steps that several of them share."""
