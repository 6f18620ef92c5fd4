"""Pictures of a shop's items: fetched from their addresses, checked, and stored at encoder size."""
