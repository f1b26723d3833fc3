import MMCore
import MMHTTP

/// The sandbox tenant as the modules of a stand-in reach it: device codes of its sign-in service, rows of its services.
struct SandboxModuleTenant: StandInTenant {
    private let address: String
    private let client: HTTPClient

    /// The tenant at an address of this machine.
    /// - Parameters:
    ///   - address: the address.
    ///   - environment: of this process: as PowerShell's own clients do, it uses the proxy and trusts the certificates that
    ///     are named there, for this machine's addresses as for others.
    init(address: String, environment: [String: String]) {
        self.address = address
        var configuration = HTTPClientConfiguration(environment: environment)
        configuration.proxy?.coversThisMachine = true
        client = HTTPClient(configuration: configuration)
    }

    func signIn(
        app: String, tenant: String,
        prompt: @escaping @Sendable (_ code: String, _ page: String) throws(MMError) -> Void
    ) async throws(MMError) -> Secret {
        let place = "\(address)/\(PercentCoding.encode(tenant, isPlain: PercentCoding.isSegmentByte))/oauth2/v2.0"
        // The tenant's own address as the resource: its tokens are good for every service there.
        let started = try await post(
            "\(place)/devicecode", ["client_id": app, "scope": "\(address)/.default openid profile offline_access"])
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
            if let token = answer.json["access_token"]?.string { return Secret(token) }
            switch answer.json["error"]?.string {
            case "authorization_pending": continue
            case "slow_down": interval += 5
            default: throw refusal(answer)
            }
        }
    }

    func rows(of path: String, body: JSONValue?, token: Secret) async throws(MMError) -> [JSONValue] {
        var request = HTTPRequest(
            method: body == nil ? "GET" : "POST", url: address + path, body: body.map { JSONWriter.bytes($0) },
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
            method: method, url: path.hasPrefix("/") ? address + path : path, body: body.map { Array($0.utf8) },
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

    private typealias Answer = (status: Int, json: JSONValue)

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
        return (response.status, (try? JSONParser.parse(response.body)) ?? .null)
    }

    private func pause(_ seconds: Int) async throws(MMError) {
        do { try await Task.sleep(for: .seconds(seconds)) } catch {
            throw MMError(.cancelled, "The sign-in was cancelled.")
        }
    }

    /// What a service refused with, in its own words: those of sign-in services, else those of resource services.
    private func refusal(_ answer: Answer) -> MMError {
        if let text = answer.json["error_description"]?.string {
            return MMError(.remoteFailed, text, details: ["error": answer.json["error"] ?? .null])
        }
        let detail = answer.json["error"]?["details"]?[0]?["message"]?.string.flatMap { $0.isEmpty ? nil : $0 }
        let text =
            detail ?? answer.json["error"]?["message"]?.string ?? "The sandbox tenant answered \(answer.status)."
        return MMError(.remoteFailed, text)
    }
}
