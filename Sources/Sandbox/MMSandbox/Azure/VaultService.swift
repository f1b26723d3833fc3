internal import MMCore
internal import MMHTTP

/// The data plane of Key Vault: secrets, and empty lists of the other objects that a vault may hold.
final class VaultService {
    private let context: TenantContext
    private var vaults: [String: Vault] = [:]

    /// The content of a vault.
    private struct Vault {
        var secrets: [(name: String, versions: [Version])] = []
        var deleted: [String] = []
    }

    private struct Version {
        let id: String
        let value: String
        let contentType: String?
        let made: Int64
    }

    init(context: TenantContext) { self.context = context }

    private static let first = [
        ("smtp-relay", "text/plain"), ("sql-connection", "text/plain"), ("webhook-key", nil),
    ]

    private func vault(_ name: String) -> Vault {
        if let known = vaults[name] { return known }
        let made = context.now - 90 * 86_400
        return Vault(
            secrets: Self.first.map { secret, type in
                let value = "sandbox~\(name)~\(secret)"
                return (secret, [Version(id: Self.version(of: value), value: value, contentType: type, made: made)])
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
        switch (request.method, parts.first?.lowercased() ?? "", parts.count) {
        case ("GET", "secrets", 1):
            return list(vault(host.name).secrets.map { row($0.name, $0.versions[0], host, isList: true) })
        case ("GET", "keys", 1), ("GET", "certificates", 1), ("GET", "deletedkeys", 1),
            ("GET", "deletedcertificates", 1):
            return list([])
        case ("GET", "deletedsecrets", 1):
            return list(vault(host.name).deleted.map { deleted($0, host) })
        case ("GET", "secrets", 3) where parts[2].lowercased() == "versions":
            return found(parts[1], host) { secret in
                list(secret.versions.map { row(secret.name, $0, host, isList: true, isVersion: true) })
            }
        case ("GET", "secrets", 2...3):
            return found(parts[1], host) { secret in
                guard
                    let version = parts.count == 2
                        ? secret.versions[0] : secret.versions.first(where: { $0.id == parts[2] })
                else { return Self.missing(parts[1]) }
                return HTTPServerResponse(status: 200, json: .object(row(secret.name, version, host)))
            }
        case ("PUT", "secrets", 2): return put(parts[1], request, host)
        case ("DELETE", "secrets", 2):
            return found(parts[1], host) { secret in
                var vault = vault(host.name)
                vault.secrets.removeAll { $0.name == secret.name }
                vault.deleted.append(secret.name)
                vaults[host.name] = vault
                return HTTPServerResponse(status: 200, json: .object(deleted(secret.name, host)))
            }
        default:
            return .failure(
                404, "NotFound",
                "The sandbox doesn't know \(request.method.prefix(10)) \(request.path.prefix(100)) of a vault; the real service does."
            )
        }
    }

    private func list(_ rows: [JSONObject]) -> HTTPServerResponse {
        HTTPServerResponse(status: 200, json: ["value": .array(rows.map { .object($0) }), "nextLink": .null])
    }

    private func found(
        _ name: String, _ host: AzureDataServices.Host,
        _ answer: ((name: String, versions: [Version])) -> HTTPServerResponse
    ) -> HTTPServerResponse {
        guard let secret = vault(host.name).secrets.first(where: { $0.name.lowercased() == name.lowercased() }) else {
            return Self.missing(name)
        }
        return answer(secret)
    }

    private static func missing(_ name: String) -> HTTPServerResponse {
        .failure(
            404, "SecretNotFound",
            "A secret with (name/id) \(name.prefix(130)) was not found in this key vault. If you recently deleted this secret you may be able to recover it using the correct recovery command."
        )
    }

    private func put(
        _ name: String, _ request: HTTPServerRequest, _ host: AzureDataServices.Host
    ) -> HTTPServerResponse {
        let isName =
            name.utf8.count <= 127 && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }
        guard isName, let body = request.object, let value = body["value"]?.string else {
            return .failure(400, "BadParameter", "The request is missing or contains an invalid value.")
        }
        var vault = vault(host.name)
        let version = Version(
            id: Self.version(of: "\(name)\(RandomBytes.uuid())"), value: value,
            contentType: body["contentType"]?.string,
            made: context.now)
        if let at = vault.secrets.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) {
            vault.secrets[at].versions.insert(version, at: 0)
        } else {
            vault.secrets.append((name, [version]))
        }
        vaults[host.name] = vault
        return HTTPServerResponse(status: 200, json: .object(row(name, version, host)))
    }

    /// Returns a secret, with its value unless it is part of a list.
    private func row(
        _ name: String, _ version: Version, _ host: AzureDataServices.Host, isList: Bool = false,
        isVersion: Bool = false
    ) -> JSONObject {
        let address = "https://\(host.text)/secrets/\(name)"
        var row: JSONObject = [:]
        if !isList { row["value"] = .string(version.value) }
        if let type = version.contentType { row["contentType"] = .string(type) }
        row["id"] = .string(isList && !isVersion ? address : "\(address)/\(version.id)")
        row["attributes"] = [
            "enabled": true, "created": .int(version.made), "updated": .int(version.made),
            "recoveryLevel": "Recoverable+Purgeable", "recoverableDays": 90,
        ]
        row["tags"] = [:]
        return row
    }

    private func deleted(_ name: String, _ host: AzureDataServices.Host) -> JSONObject {
        [
            "recoveryId": .string("https://\(host.text)/deletedsecrets/\(name)"),
            "id": .string("https://\(host.text)/secrets/\(name)"), "deletedDate": .int(context.now),
            "scheduledPurgeDate": .int(context.now + 90 * 86_400), "attributes": ["enabled": true],
        ]
    }
}
