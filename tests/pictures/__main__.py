"""Draws the pictures of the docs anew."""

from pictures.all import FOLDER, pictures

for name, drawn in pictures().items():
    (FOLDER / name).write_text(drawn)
    print(f"docs/pictures/{name}")
