internal import MMCore
internal import MMIdentity

extension GraphRequest {
    /// Returns the error for a request about the signed-in person when an app is signed in; `nil` for other requests.
    /// Without this check, Graph would merely report that the path wasn't found.
    func needsPerson(_ app: SignedInAccount, of connection: Connection) -> MMError? {
        guard target.service == .graph, target.segments.first?.lowercased() == "me" else { return nil }
        let rest = target.segments.dropFirst().map { "/" + $0 }.joined()
        return MMError(
            .invalidInput,
            "\(target.path) is about the person who signed in, and there is no person behind the sign-in of "
                + "\(connection.name): it is \(app.title).",
            hint: "Name the account: /users/NAME@DOMAIN\(rest). Or use a connection that a person signs in to.",
            details: ["connection": .string(connection.name), "path": .string(target.path)])
    }
}
