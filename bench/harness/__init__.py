"""The parts of `run.py`: what it sets up, what it runs, what it notes of the machine, and the table."""
