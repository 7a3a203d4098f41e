"""The search for hyper-parameters: its space, its trials, what it leaves behind."""
