import MMCore
import MMHTTP
import MMSandbox

/// The sandbox tenant for the modules of a stand-in: device codes of its sign-in service, rows of its services.
struct SandboxModuleTenant: StandInTenant {
    private let address: String
    private let client: HTTPClient
    private let environment: [String: String]

    /// The addresses of the services that are built into the modules.
    private static let services = [
        ("/v1.0/", "https://graph.microsoft.com"), ("/beta/", "https://graph.microsoft.com"),
        ("/subscriptions", "https://management.azure.com"), ("/adminapi/", "https://outlook.office365.com"),
        ("/providers/Microsoft.BusinessAppPlatform/", "https://api.bap.microsoft.com"),
        ("/providers/", "https://management.azure.com"),
        ("/Skype.Policy/", "https://api.interfaces.records.teams.microsoft.com"),
        ("/_api/", "https://contososandbox.sharepoint.com"), ("/", "https://login.microsoftonline.com"),
    ]

    /// Creates the tenant at an address of this machine.
    /// - Parameters:
    ///   - address: the address; empty for the addresses that are built into the modules.
    ///   - environment: the environment of this process. As PowerShell's own clients do, the tenant uses the proxy and
    ///     the trusted certificates that are named there, for this machine's addresses too.
    init(address: String, environment: [String: String]) {
        self.address = address
        self.environment = environment
        var configuration = HTTPClientConfiguration(environment: environment)
        configuration.proxy?.coversThisMachine = true
        client = HTTPClient(configuration: configuration)
    }

    func signIn(
        app: String, tenant: String, scope: String,
        prompt: @escaping @Sendable (_ code: String, _ page: String) throws(MMError) -> Void
    ) async throws(MMError) -> StandInTokens {
        let place = place(of: tenant)
        let started = try await post("\(place)/devicecode", ["client_id": app, "scope": Self.whole(scope: scope)])
        guard let code = started.json["device_code"]?.string, let shown = started.json["user_code"]?.string,
            let page = started.json["verification_uri"]?.string
        else { throw refusal(started) }
        try prompt(shown, page)
        var interval = started.json["interval"]?.int ?? 5
        while true {
            try await pause(interval)
            let answer = try await post(
                "\(place)/token",
                [
                    "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": app,
                    "device_code": code,
                ])
            if let tokens = tokens(answer) { return tokens }
            switch answer.json["error"]?.string {
            case "authorization_pending": continue
            case "slow_down": interval += 5
            default: throw refusal(answer)
            }
        }
    }

    func renew(
        _ refresh: Secret, app: String, tenant: String, scope: String, claims: String?
    ) async throws(MMError) -> StandInTokens {
        var form = [
            "grant_type": "refresh_token", "client_id": app, "refresh_token": refresh.reveal(),
            "scope": Self.whole(scope: scope),
        ]
        form["claims"] = claims
        let answer = try await post("\(place(of: tenant))/token", form)
        guard let tokens = tokens(answer) else { throw refusal(answer) }
        return tokens
    }

    func machineToken(for audience: String) async throws(MMError) -> Secret? {
        guard let endpoint = environment["IDENTITY_ENDPOINT"], let header = environment["IDENTITY_HEADER"] else {
            return nil
        }
        let resource = PercentCoding.encode(audience, isPlain: PercentCoding.isQueryByte)
        var request = HTTPRequest(
            method: "GET", url: "\(endpoint)?api-version=2019-08-01&resource=\(resource)", allowsPlainHTTP: true)
        request.headers.set("X-IDENTITY-HEADER", header)
        let answer = try await send(request)
        guard let token = answer.json["access_token"]?.string else { throw refusal(answer) }
        return Secret(token)
    }

    func rows(of path: String, body: JSONValue?, token: Secret) async throws(MMError) -> [JSONValue] {
        var request = HTTPRequest(
            method: body == nil ? "GET" : "POST", url: whole(path), body: body.map { JSONWriter.bytes($0) },
            allowsPlainHTTP: true)
        if body != nil { request.headers.set("Content-Type", "application/json") }
        request.headers.set("Authorization", "Bearer \(token.reveal())")
        let answer = try await send(request)
        guard answer.status < 300 else { throw refusal(answer) }
        return answer.json["value"]?.array ?? [answer.json]
    }

    func send(
        _ method: String, _ path: String, body: String?, token: Secret?
    ) async throws(MMError) -> (status: Int, text: String) {
        var request = HTTPRequest(
            method: method, url: whole(path), body: body.map { Array($0.utf8) },
            allowsPlainHTTP: true)
        if body != nil { request.headers.set("Content-Type", "application/json") }
        if let token { request.headers.set("Authorization", "Bearer \(token.reveal())") }
        do throws(HTTPError) {
            let response = try await client.send(request)
            return (response.status, String(decoding: response.body, as: UTF8.self))
        } catch {
            throw error.mmError(for: "the sandbox tenant")
        }
    }

    // MARK: Requests

    private func whole(_ path: String) -> String {
        guard path.hasPrefix("/") else { return path }
        guard address.isEmpty else { return address + path }
        return (Self.services.first { path.hasPrefix($0.0) }?.1 ?? "") + path
    }

    private typealias Answer = (status: Int, json: JSONValue, claims: String?)

    private func place(of tenant: String) -> String {
        whole("/\(PercentCoding.encode(tenant, isPlain: PercentCoding.isSegmentByte))/oauth2/v2.0")
    }

    private static func whole(scope: String) -> String { "\(scope) openid profile offline_access" }

    private func tokens(_ answer: Answer) -> StandInTokens? {
        answer.json["access_token"]?.string.map {
            StandInTokens(access: Secret($0), refresh: answer.json["refresh_token"]?.string.map { Secret($0) })
        }
    }

    private func post(_ url: String, _ fields: [String: String]) async throws(MMError) -> Answer {
        let form = fields.map { "\($0.key)=\(PercentCoding.encode($0.value, isPlain: PercentCoding.isQueryByte))" }
            .sorted().joined(separator: "&")
        var request = HTTPRequest(method: "POST", url: url, body: Array(form.utf8), allowsPlainHTTP: true)
        request.headers.set("Content-Type", "application/x-www-form-urlencoded")
        return try await send(request)
    }

    private func send(_ request: HTTPRequest) async throws(MMError) -> Answer {
        let response: HTTPResponse
        do throws(HTTPError) { response = try await client.send(request) } catch {
            throw error.mmError(for: "the sandbox tenant")
        }
        let claims = response.status == 401 ? Self.claims(in: response.headers["www-authenticate"] ?? "") : nil
        return (response.status, (try? JSONParser.parse(response.body)) ?? .null, claims)
    }

    /// Returns the claims that a challenge demands, as JSON.
    private static func claims(in challenge: String) -> String? {
        guard let begin = challenge.firstRange(of: "claims=\"") else { return nil }
        let bytes = Base64.bytes(String(challenge[begin.upperBound...].prefix { $0 != "\"" }))
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }

    private func pause(_ seconds: Int) async throws(MMError) {
        do { try await Task.sleep(for: .seconds(seconds)) } catch {
            throw MMError(.cancelled, "The sign-in was cancelled.")
        }
    }

    /// Returns a service's refusal in its own words, in the form of sign-in services or of resource services.
    private func refusal(_ answer: Answer) -> MMError {
        if let text = answer.json["error_description"]?.string {
            return MMError(.remoteFailed, text, details: ["error": answer.json["error"] ?? .null])
        }
        let detail = answer.json["error"]?["details"]?[0]?["message"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let text =
            detail ?? answer.json["error"]?["message"]?.string ?? "The sandbox tenant answered \(answer.status)."
        return MMError(.remoteFailed, text, details: answer.claims.map { ["claims": .string($0)] } ?? [:])
    }
}
