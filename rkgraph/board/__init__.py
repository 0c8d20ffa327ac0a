"""What a board has for running models: devices, driver, runtime, and what is wrong with them."""
