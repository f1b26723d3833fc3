import MMCore
import MMIdentity

/// Where the reading of changes stopped, kept between calls: the delta link of a connection's query.
///
/// The link is private: it names what was asked for, and reads on with it.
struct ChangesMemory: Sendable {
    private let path: String

    /// What is kept.
    struct Kept: Sendable, Hashable {
        /// The link that answers what has changed since.
        let link: String
        /// When it was given.
        let since: Timestamp
    }

    /// The memory of one query of a connection.
    /// - Parameter principal: who asks, where they signed in to this server: each of them has read something else.
    init(
        connection: Connection, service: RequestService, target: RequestTarget, principal: String? = nil,
        paths: StatePaths
    ) {
        let purpose: [JSONValue] = [.string(service.rawValue), .string(target.pathAndQuery)]
        path = ConnectionLinks(.changes, of: connection, paths: paths)
            .path(of: .array(purpose + (principal.map { [.string($0)] } ?? [])))
    }

    /// What the last call kept; `nil` before the first.
    func read() throws(MMError) -> Kept? {
        guard let bytes = try ProtectedFile.read(path, limit: 1 << 20), let value = try? JSONParser.parse(bytes),
            let link = value["deltaLink"]?.string,
            let since = value["since"]?.string.flatMap({ Timestamp(iso8601: $0) })
        else { return nil }
        return Kept(link: link, since: since)
    }

    /// Keeps a link.
    func keep(_ link: String) throws(MMError) {
        let value: JSONValue = ["deltaLink": .string(link), "since": .string(Timestamp.now.iso8601)]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }

    /// Forgets the link: it is too old, and everything has to be read again.
    func forget() throws(MMError) { try ProtectedFile.remove(path) }
}
