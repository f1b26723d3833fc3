import MMCore
import MMHTTP
import MMOperations
import MMPool

/// Sends the manager's tool calls to a session manager at an address, or to the one in this process.
actor PwshManagerClient {
    private let address: String?
    private let standard: String
    private let local: TenantSessions
    private let client: HTTPClient
    private let settings: TenantSettings
    private let trustsNetwork: Bool
    private var isLocal: Bool?

    /// Creates a client.
    /// - Parameters:
    ///   - environment: `PWSH_MANAGER_URL` names a manager. Without it the usual port is tried once; if nothing listens
    ///     there, the sessions live in this process.
    ///   - local: the manager in this process.
    ///   - settings: the time limit of a call, and the local names of tenants.
    init(environment: [String: String], local: TenantSessions, settings: TenantSettings) {
        address = environment["PWSH_MANAGER_URL"].flatMap { $0.isEmpty ? nil : Self.withoutEnd($0) }
        standard = "http://localhost:\(environment["PWSH_MANAGER_PORT"].flatMap { UInt16($0) } ?? 5100)"
        client = HTTPClient(configuration: HTTPClientConfiguration(environment: environment))
        self.local = local
        self.settings = settings
        trustsNetwork = PoolAddress.trustsNetwork(environment: environment)
    }

    /// Sends a call to its route.
    func answer(_ path: String, _ body: JSONObject?, _ call: CallContext) async -> JSONObject {
        if address == nil, isLocal == nil { isLocal = await !isManager(standard) }
        if isLocal == true {
            return await local.answer(path, body ?? [:], for: call.caller, person: call.person).body
        }
        let base = address ?? standard
        do throws(HTTPError) {
            return try await send(base + path, named(body, on: path), within: settings.commandLimit + .seconds(30))
        } catch {
            switch error.kind {
            case .connect, .resolve:
                return [
                    "success": false,
                    "error": .string(
                        "Cannot connect to pwsh-manager at \(base). Start it: mm pool serve --profile pwsh-manager"),
                ]
            default: return ["success": false, "error": .string(error.message)]
            }
        }
    }

    /// Translates the arguments for a manager elsewhere, which doesn't know the aliases and hosts of this side.
    private func named(_ body: JSONObject?, on path: String) -> JSONObject? {
        guard var body, let word = body["tenant"]?.string else { return body }
        let tenant = TenantName.trimmed(word[...])
        let known = settings.aliases[tenant.lowercased()] ?? tenant
        body["tenant"] = .string(known)
        if path == "/login", body["sharepoint_tenant"] == nil {
            body["sharepoint_tenant"] = settings.sharePointHosts[known.lowercased()].map { .string($0) }
        }
        return body
    }

    /// Maintains the sessions of this process.
    func watch() async { await local.watch() }

    private func isManager(_ base: String) async -> Bool {
        let health = try? await send(base + "/health", nil, within: .seconds(2))
        guard health?["status"] == "healthy" else { return false }
        // Another service may listen there and report the same health.
        return (try? await send(base + "/modules", nil, within: .seconds(2)))?["modules"]?.array != nil
    }

    private func send(_ url: String, _ body: JSONObject?, within limit: Duration) async throws(HTTPError) -> JSONObject
    {
        var request = HTTPRequest(method: body == nil ? "GET" : "POST", url: url, timeout: limit, allowsPlainHTTP: true)
        request.allowsPlainHTTPToOtherHosts = trustsNetwork
        if let body {
            request.headers = ["Content-Type": "application/json"]
            request.body = JSONWriter.bytes(.object(body))
        }
        let answer = try await client.send(request)
        guard let object = (try? JSONParser.parse(answer.body))?.object else {
            throw HTTPError(.protocolViolation, "\(url) answered with status \(answer.status) and no JSON object.")
        }
        return object
    }

    private static func withoutEnd(_ url: String) -> String {
        var url = url
        while url.hasSuffix("/") { url.removeLast() }
        return url
    }
}
