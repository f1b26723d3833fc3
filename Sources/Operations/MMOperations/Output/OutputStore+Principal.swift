package import MMCore

extension OutputStore {
    /// Returns the store of a caller: a caller that signed in to this server has a store of its own, which handles of
    /// others can't reach.
    package func of(_ caller: Caller) -> OutputStore {
        guard let id = caller.signedIn?.id else { return self }
        return OutputStore(directory: "\(directory)/of-\(Hex.text(SHA256.digest(id.utf8).prefix(16)))")
    }
}
