package import MMCore

/// The private links that services have given a connection and that outlive a call: the addresses of unfinished
/// uploads, and the positions up to which changes were read.
///
/// Each link was given to one account. If the entry names another account, app or tenant, none of them is found, and a
/// sign-out removes them together with the tokens.
package struct ConnectionLinks: Sendable {
    /// The purpose of the links.
    package enum Kind: String, Sendable, CaseIterable {
        case uploads, changes
    }

    /// The folder with the links of this kind, of all connections.
    package let directory: String
    private let start: String
    private let account: JSONValue

    /// Creates the links of a connection as its entry stands.
    package init(_ kind: Kind, of connection: Connection, paths: StatePaths) {
        directory = Self.directory(kind, paths)
        start = Self.start(of: connection.name)
        let pin = connection.pin
        account = .array(
            [
                connection.appId, connection.authorityTenant, connection.cloud, connection.auth.method.rawValue,
                connection.expectedEmail, connection.homeAccountId, pin?.tenantId, pin?.objectId,
            ].map { $0.map { .string($0.lowercased()) } ?? .null }
                + (connection.auth.method == .onBehalfOf ? [CallerAssertion.owner.map { .string($0) } ?? .null] : []))
    }

    /// Returns the path of the file that holds the link of one purpose.
    package func path(of purpose: JSONValue) -> String {
        let digest = SHA256.digest(JSONWriter.bytes(.array([account, purpose])))
        return "\(directory)/\(start)\(Hex.text(digest)).json"
    }

    /// Removes all links of a connection, whatever its entry says or said, with the drafts of killed writers.
    package static func erase(of connection: String, paths: StatePaths) throws(MMError) {
        let start = start(of: connection)
        for kind in Kind.allCases {
            let directory = directory(kind, paths)
            var found: Set<String> = []
            for file in try FolderListing.names(in: directory) {
                let name = file.hasPrefix(".") ? file.dropFirst() : file[...]
                guard name.hasPrefix(start), let end = name.firstRange(of: ".json")?.upperBound else { continue }
                found.insert(String(name[..<end]))
            }
            for name in found { try ProtectedFile.erase("\(directory)/\(name)") }
        }
    }

    private static func directory(_ kind: Kind, _ paths: StatePaths) -> String {
        "\(paths.stateDirectory)/\(kind.rawValue)"
    }

    private static func start(of connection: String) -> String {
        Hex.text(SHA256.digest(Array(connection.utf8)).prefix(8)) + "-"
    }
}
