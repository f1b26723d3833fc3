package import MMCore

/// Where a snapshot's objects come from.
package protocol SnapshotSource: Sendable {
    /// The pages of a kind's objects, as the service answers them.
    /// - Throws: `MMError` when the kind can't be read.
    func pages(of kind: SnapshotKind) async throws(MMError) -> any SnapshotPages

    /// The items behind several paths of a kind's relations, in the order of the paths. An object that has gone meanwhile has none.
    func related(_ paths: [String], of kind: SnapshotKind) async throws(MMError) -> [[JSONValue]]

    /// The names of objects of the directory, by id; without those that nobody knows.
    func names(of ids: [String]) async throws(MMError) -> [(id: String, name: String)]

    /// Which tenant it is.
    func tenant() async throws(MMError) -> SnapshotTenant
}

/// Pages that are fetched one by one.
package protocol SnapshotPages {
    /// The next page; `nil` after the last.
    mutating func next() async throws(MMError) -> [JSONObject]?
}
