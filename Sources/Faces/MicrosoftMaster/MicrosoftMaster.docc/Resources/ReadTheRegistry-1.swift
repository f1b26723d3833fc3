import MMCore

let registry = ConnectionRegistry()
