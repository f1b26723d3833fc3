internal import MMCore
internal import MMHTTP

/// The secrets of app registrations and service principals: `addPassword` and `removePassword`.
struct AppSecrets {
    let context: TenantContext
    let store: DirectoryStore

    /// Performs such an action on an object; returns `nil` for every other one.
    func answer(_ call: GraphCall, _ key: String, in address: TableAddress, _ action: String) throws(GraphFailure)
        -> HTTPServerResponse?
    {
        guard ["addPassword", "removePassword"].contains(action) else { return nil }
        try call.requirePost()
        guard let record = store.table(address).find(key) else { throw .missing(key) }
        var row = record.members(of: store.table(address).kind)
        var secrets = row["passwordCredentials"]?.array ?? []
        let body = try call.optionalObject()
        let answer: HTTPServerResponse
        if action == "addPassword" {
            let (kept, shown) = made(body["passwordCredential"]?.object ?? [:])
            secrets.append(.object(kept))
            var members: JSONObject = [
                "@odata.context": .string(
                    "\(context.base)/\(call.version)/$metadata#microsoft.graph.passwordCredential")
            ]
            for (name, value) in shown { members[name] = value }
            answer = GraphAnswers.json(.object(members))
        } else {
            let id = body["keyId"]?.string?.lowercased() ?? ""
            guard secrets.contains(where: { $0["keyId"]?.string == id }) else {
                throw GraphFailure(
                    400, "Request_BadRequest", "No password credential found with keyId '\(id)'.")
            }
            secrets.removeAll { $0["keyId"]?.string == id }
            store.secretTexts[id] = nil
            answer = HTTPServerResponse(status: 204)
        }
        row["passwordCredentials"] = .array(secrets)
        store.replace(record.id, with: row, in: address)
        return answer
    }

    /// Makes a secret.
    /// - Returns: the secret as it is listed, and as it is shown this once.
    private func made(_ given: JSONObject) -> (kept: JSONObject, shown: JSONObject) {
        let text = "mm8Q~\(RandomBytes.text(bytes: 26))"
        let id = RandomBytes.uuid()
        let start = given["startDateTime"]?.string.flatMap(ServiceTime.seconds).map { Int64($0) } ?? context.now
        var secret: JSONObject = [
            "customKeyIdentifier": .null,
            "endDateTime": given["endDateTime"] ?? .string(ServiceTime.text(start + 2 * 365 * 86_400)),
            "keyId": .string(id), "startDateTime": .string(ServiceTime.text(start)), "secretText": .null,
            "hint": .string(String(text.prefix(3))), "displayName": given["displayName"] ?? .null,
        ]
        store.secretTexts[id] = text
        let kept = secret
        secret["secretText"] = .string(text)
        return (kept, secret)
    }
}
