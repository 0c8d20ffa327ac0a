"""Reading the vendor's two operator lists: see read_vendor_documents.py."""
