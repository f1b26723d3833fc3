internal import MMCore
internal import MMIdentity

extension GraphRequest {
    /// What to say of a request about the person who signed in, where an app did: Graph would answer that a path of
    /// nobody's was not found.
    func needsPerson(_ app: SignedInAccount, of connection: Connection) -> MMError? {
        guard target.service == .graph, target.segments.first?.lowercased() == "me" else { return nil }
        let rest = target.segments.dropFirst().map { "/" + $0 }.joined()
        return MMError(
            .invalidInput,
            "\(target.path) is about the person who signed in, and no person stands behind the sign-in of "
                + "\(connection.name): it is \(app.title).",
            hint: "Name the account: /users/NAME@DOMAIN\(rest). Or use a connection that a person signs in to.",
            details: ["connection": .string(connection.name), "path": .string(target.path)])
    }
}
