internal import MMCore
internal import MMHTTP

/// The data plane of Key Vault: secrets, and empty lists of the other objects that a vault may hold.
final class VaultService {
    private let context: TenantContext
    private var vaults: [String: Vault] = [:]

    /// The content of a vault.
    private struct Vault {
        var secrets: [VaultSecret] = []
        /// The deleted secrets, which can be recovered.
        var deleted: [VaultSecret] = []
    }

    init(context: TenantContext) { self.context = context }

    private static let first: [(name: String, type: JSONValue)] = [
        ("smtp-relay", "text/plain"), ("sql-connection", "text/plain"), ("webhook-key", .null),
    ]

    private func vault(_ name: String) -> Vault {
        if let known = vaults[name] { return known }
        let made = context.now - 90 * 86_400
        return Vault(
            secrets: Self.first.map { secret, type in
                let value = "sandbox~\(name)~\(secret)"
                let version = VaultSecret.Version(
                    id: Self.version(of: value), value: value, ["contentType": type], at: made)
                return VaultSecret(name: secret, versions: [version])
            })
    }

    private static func version(of text: String) -> String {
        String(Hex.text(SHA256.digest(Array(text.utf8))).prefix(32))
    }

    /// Returns the answer to a request with a valid token.
    func answer(_ request: HTTPServerRequest, at host: AzureDataServices.Host) -> HTTPServerResponse {
        guard request.queryFields["api-version"]?.isEmpty == false else {
            return .failure(400, "BadParameter", "The api-version query parameter is required.")
        }
        let parts = request.segments.map { PercentCoding.decode($0.utf8) ?? $0 }
        let (name, third) = (parts.count > 1 ? parts[1] : "", parts.count > 2 ? parts[2] : nil)
        switch (request.method, parts.first?.lowercased() ?? "", parts.count) {
        case ("GET", "secrets", 1):
            return Self.list(vault(host.name).secrets.map { $0.versions[0].row(at: $0.address(host)) })
        case ("GET", "keys", 1), ("GET", "certificates", 1), ("GET", "deletedkeys", 1),
            ("GET", "deletedcertificates", 1):
            return Self.list([])
        case ("GET", "deletedsecrets", 1): return Self.list(vault(host.name).deleted.map { $0.deletedRow(host) })
        case ("GET", "secrets", 3) where third?.lowercased() == "versions":
            return found(name, host, in: \.secrets) { secret in
                Self.list(secret.versions.map { $0.row(at: "\(secret.address(host))/\($0.id)") })
            }
        case ("GET", "secrets", 2...3):
            return found(name, host, in: \.secrets) { Self.value(of: $0, version: third, host) }
        case ("PUT", "secrets", 2): return put(name, request, host)
        case ("PATCH", "secrets", 2...3): return update(name, version: third, request, host)
        case ("DELETE", "secrets", 2):
            return move(name, host, from: \.secrets, to: \.deleted) { secret in
                secret.deletedAt = context.now
                return HTTPServerResponse(status: 200, json: .object(secret.deletedRow(host)))
            }
        case ("GET", "deletedsecrets", 2):
            return found(name, host, in: \.deleted) {
                HTTPServerResponse(status: 200, json: .object($0.deletedRow(host)))
            }
        case ("POST", "deletedsecrets", 3) where third?.lowercased() == "recover":
            return move(name, host, from: \.deleted, to: \.secrets) {
                HTTPServerResponse(status: 200, json: .object($0.row($0.versions[0], host)))
            }
        case ("DELETE", "deletedsecrets", 2):
            return move(name, host, from: \.deleted, to: nil) { _ in HTTPServerResponse(status: 204) }
        default:
            return .failure(
                404, "NotFound",
                "The sandbox doesn't know \(request.method.prefix(10)) \(request.path.prefix(100)) of a vault; the real service does."
            )
        }
    }

    private static func list(_ rows: [JSONObject]) -> HTTPServerResponse {
        HTTPServerResponse(status: 200, json: ["value": .array(rows.map { .object($0) }), "nextLink": .null])
    }

    private func found(
        _ name: String, _ host: AzureDataServices.Host, in place: KeyPath<Vault, [VaultSecret]>,
        _ answer: (VaultSecret) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        vault(host.name)[keyPath: place].first { $0.isNamed(name) }.map(answer) ?? Self.missing(name)
    }

    /// Moves a secret between those that are there and the deleted ones, or removes it for good.
    private func move(
        _ name: String, _ host: AzureDataServices.Host, from old: WritableKeyPath<Vault, [VaultSecret]>,
        to new: WritableKeyPath<Vault, [VaultSecret]>?, _ answer: (inout VaultSecret) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        var vault = vault(host.name)
        guard let at = vault[keyPath: old].firstIndex(where: { $0.isNamed(name) }) else { return Self.missing(name) }
        var secret = vault[keyPath: old].remove(at: at)
        let answer = answer(&secret)
        if let new { vault[keyPath: new].append(secret) }
        vaults[host.name] = vault
        return answer
    }

    private static func missing(_ name: String) -> HTTPServerResponse {
        .failure(
            404, "SecretNotFound",
            "A secret with (name/id) \(name.prefix(130)) was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command."
        )
    }

    private static let invalid = HTTPServerResponse.failure(
        400, "BadParameter", "The request is missing or contains an invalid value.")

    private static func value(
        of secret: VaultSecret, version: String?, _ host: AzureDataServices.Host
    ) -> HTTPServerResponse {
        guard let at = secret.index(ofVersion: version) else { return missing(secret.name) }
        let version = secret.versions[at]
        guard version.attributes["enabled"] != false else {
            return HTTPServerResponse(
                status: 403,
                json: [
                    "error": [
                        "code": "Forbidden", "message": "Operation get is not allowed on a disabled secret.",
                        "innererror": ["code": "SecretDisabled"],
                    ]
                ])
        }
        return HTTPServerResponse(status: 200, json: .object(secret.valueRow(version, host)))
    }

    private func put(
        _ name: String, _ request: HTTPServerRequest, _ host: AzureDataServices.Host
    ) -> HTTPServerResponse {
        let isName =
            name.utf8.count <= 127 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        guard isName, let body = request.object, let value = body["value"]?.string else { return Self.invalid }
        var vault = vault(host.name)
        guard !vault.deleted.contains(where: { $0.isNamed(name) }) else {
            return .failure(
                409, "Conflict",
                "Secret \(name) is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged."
            )
        }
        let version = VaultSecret.Version(
            id: Self.version(of: "\(name)\(RandomBytes.uuid())"), value: value, body, at: context.now)
        let at = vault.secrets.firstIndex { $0.isNamed(name) } ?? vault.secrets.count
        if at == vault.secrets.count { vault.secrets.append(VaultSecret(name: name, versions: [])) }
        vault.secrets[at].versions.insert(version, at: 0)
        vaults[host.name] = vault
        return HTTPServerResponse(status: 200, json: .object(vault.secrets[at].valueRow(version, host)))
    }

    /// Changes what is noted about a version of a secret, whose value stays.
    private func update(
        _ name: String, version: String?, _ request: HTTPServerRequest, _ host: AzureDataServices.Host
    ) -> HTTPServerResponse {
        guard let body = request.object else { return Self.invalid }
        var vault = vault(host.name)
        guard let at = vault.secrets.firstIndex(where: { $0.isNamed(name) }),
            let place = vault.secrets[at].index(ofVersion: version)
        else { return Self.missing(name) }
        vault.secrets[at].versions[place].note(body, at: context.now)
        vaults[host.name] = vault
        let secret = vault.secrets[at]
        return HTTPServerResponse(status: 200, json: .object(secret.row(secret.versions[place], host)))
    }
}

/// A secret of a vault, with its versions from the latest to the first.
private struct VaultSecret {
    let name: String
    var versions: [Version]
    /// When it was deleted; 0 if it wasn't.
    var deletedAt: Int64 = 0

    func isNamed(_ other: String) -> Bool { name.lowercased() == other.lowercased() }

    /// Returns the place of a version; of the latest one if none is named.
    func index(ofVersion id: String?) -> Int? { id == nil ? 0 : versions.firstIndex { $0.id == id } }

    func address(_ host: AzureDataServices.Host) -> String { "https://\(host.text)/secrets/\(name)" }

    /// Returns what is noted about a version.
    func row(_ version: Version, _ host: AzureDataServices.Host) -> JSONObject {
        version.row(at: "\(address(host))/\(version.id)")
    }

    /// Returns a version with its value.
    func valueRow(_ version: Version, _ host: AzureDataServices.Host) -> JSONObject {
        var row = row(version, host)
        row["value"] = .string(version.value)
        return row
    }

    func deletedRow(_ host: AzureDataServices.Host) -> JSONObject {
        var row = versions[0].row(at: address(host))
        row["recoveryId"] = .string("https://\(host.text)/deletedsecrets/\(name)")
        row["deletedDate"] = .int(deletedAt)
        row["scheduledPurgeDate"] = .int(deletedAt + 90 * 86_400)
        return row
    }

    struct Version {
        let id: String
        let value: String
        private let made: Int64
        private var updated: Int64
        private var contentType: JSONValue?
        private var tags: JSONObject = [:]
        /// Those that a client sets: whether it may be read, and from when until when it is good.
        private(set) var attributes: JSONObject = ["enabled": true]

        init(id: String, value: String, _ body: JSONObject, at now: Int64) {
            (self.id, self.value, made, updated) = (id, value, now, now)
            note(body, at: now)
        }

        /// Takes over what a request says about the secret; what it leaves out stays.
        mutating func note(_ body: JSONObject, at now: Int64) {
            updated = now
            if let type = body["contentType"] { contentType = type == .null ? nil : type }
            if let given = body["tags"]?.object { tags = given }
            for name in ["enabled", "nbf", "exp"] {
                if let given = body["attributes"]?[name], given != .null { attributes[name] = given }
            }
        }

        /// Returns what is noted about it, without the value.
        func row(at address: String) -> JSONObject {
            var row: JSONObject = ["id": .string(address), "tags": .object(tags)]
            row["contentType"] = contentType
            var shown = attributes
            shown["created"] = .int(made)
            shown["updated"] = .int(updated)
            shown["recoveryLevel"] = "Recoverable+Purgeable"
            shown["recoverableDays"] = 90
            row["attributes"] = .object(shown)
            return row
        }
    }
}
