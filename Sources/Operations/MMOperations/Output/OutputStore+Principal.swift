package import MMCore

extension OutputStore {
    /// The answers of a caller: whoever signed in to this server has a store of their own, which nobody else's handle
    /// reaches.
    package func of(_ caller: Caller) -> OutputStore {
        guard let id = caller.signedIn?.id else { return self }
        return OutputStore(directory: "\(directory)/of-\(Hex.text(SHA256.digest(id.utf8).prefix(16)))")
    }
}
