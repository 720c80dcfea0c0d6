"""Pure calculations of this floor: arrays in, frozen results out, no Django."""
