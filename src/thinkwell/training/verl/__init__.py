"""Our mathematics inside verl, through its entry points: `plugin` is what verl loads; configurations name the others. No file of verl is changed."""
