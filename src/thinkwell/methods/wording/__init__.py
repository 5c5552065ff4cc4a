"""What methods say to models in turns of their own, one file a method: wordings for instruct models, for reasoning models and for the lab's, and how replies are read.

`Preset.kind` says which wording a run uses. The lab learns its skills from these very texts.
"""
