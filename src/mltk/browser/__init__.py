"""A model in the browser: its C code as WebAssembly, and the page that runs it.

module = compile_wasm(page_files(tflite_model))  # bytes of a .wasm file
fragment = try_it(tflite_model)                  # the HTML, the script and the data of a page
"""
