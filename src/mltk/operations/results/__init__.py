"""What the operations return: results objects, and the text and plots made from them."""
