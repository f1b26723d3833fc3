import MMCLI
import MMCore
import MMHTTP
import MMOperations
import MMPowerShell
import MMSystem

/// The commands of `mm sandbox`: they start, control and end the tenant, and run the stand-in for PowerShell.
struct SandboxCommands: Sendable {
    private let environment: [String: String]
    private let paths: StatePaths

    private init(_ environment: [String: String]) {
        self.environment = environment
        paths = StatePaths(environment: environment)
    }

    /// Returns all commands.
    static func all(environment: [String: String]) -> [LocalCommand] {
        let commands = SandboxCommands(environment)
        return SandboxCommand.allCases.map { $0.command(commands.work(of: $0)) }
    }

    private func work(of verb: SandboxCommand) -> LocalCommand.Work {
        switch verb {
        case .start: .fields(start)
        case .stop: .fields(stop)
        case .status: .fields(status)
        case .approve: .fields(approve)
        case .users: .fields(users)
        case .faults: .fields(faults)
        case .policies: .fields(policies)
        case .pwsh:
            .words { (words) in
                await PowerShellStandIn.run(
                    arguments: words, environment: environment, evaluator: NativeEvaluator(),
                    tenant: { SandboxModuleTenant(address: $0, environment: environment) })
            }
        }
    }

    /// Returns the certificates in a file, in DER.
    private static func certificates(in file: String) throws(MMError) -> [[UInt8]] {
        guard let text = try ProtectedFile.read(file, limit: 1 << 20) else {
            throw MMError(
                .invalidInput, "The file \(file) does not exist.", hint: "Give a certificate: --certificate app.pem")
        }
        let found = AppCertificate.read(pem: text)
        guard !found.isEmpty else {
            throw MMError(
                .invalidInput, "\(file) contains no PEM certificate.", hint: "Give its file: --certificate app.pem")
        }
        return found
    }

    @Sendable private func start(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let connection = try input.text("connection")
        if try input.flag("foreground") {
            try SandboxProcess.requireNone(paths)
            if let connection { try SandboxProcess.addConnection(connection, paths) }
            var tenant = SandboxOptions()
            tenant.port = UInt16(try input.integer("port") ?? 0)
            tenant.userCount = try input.integer("users") ?? tenant.userCount
            tenant.customerCount = try input.integer("customers") ?? 0
            tenant.mailboxCount = try input.integer("mailboxes")
            tenant.pollInterval = Int64(try input.integer("interval") ?? Int(tenant.pollInterval))
            tenant.accessTokenLifetime = Int64(try input.integer("lifetime") ?? Int(tenant.accessTokenLifetime))
            tenant.groupsInTokens = try input.integer("token-groups") ?? tenant.groupsInTokens
            if let file = try input.text("certificate") { tenant.certificates = try Self.certificates(in: file) }
            try await SandboxProcess.serve(tenant, paths)
            return 0
        }
        var arguments: [String] = []
        if let file = try input.text("certificate") {
            _ = try Self.certificates(in: file)
            arguments += ["--certificate", file]
        }
        for name in ["port", "users", "customers", "mailboxes", "interval", "lifetime", "token-groups"] {
            if let number = try input.integer(name) { arguments += ["--\(name)", "\(number)"] }
        }
        // A request for only a connection uses the running tenant, if there is one.
        var known: SandboxStateFile?
        if connection != nil, arguments.isEmpty { known = try SandboxStateFile.ofRunning(in: paths.stateDirectory) }
        if known == nil { try SandboxProcess.requireNone(paths) }
        if let connection { try SandboxProcess.addConnection(connection, paths) }
        let running: SandboxStateFile
        if let known {
            running = known
        } else {
            running = try await SandboxProcess.start(arguments, environment: environment, paths)
        }
        var notes = [(known == nil ? "" : "It is already running. ") + "Stop it with: mm sandbox stop"]
        if let connection {
            notes = ["Sign in with: mm login \(connection)", "Approve its code with: mm sandbox approve CODE"] + notes
        }
        let answer: JSONValue = ["url": .string(running.base), "pid": .int(Int64(running.process.pid))]
        if !options.quiet { for note in notes { streams.note(note) } }
        try await streams.show(answer, options)
        return 0
    }

    @Sendable private func stop(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let wasRunning = try await SandboxProcess.stop(paths)
        if !options.quiet { streams.note(wasRunning ? "Stopped." : "No sandbox tenant is running.") }
        return 0
    }

    @Sendable private func status(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let control = try SandboxControl(paths)
        var answer = try await control.call("GET", "health").object ?? [:]
        answer["url"] = .string(control.base)
        try await streams.show(.object(answer), options)
        return 0
    }

    @Sendable private func approve(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        var body: JSONObject = ["userCode": .string(try input.requiredText("code"))]
        if let account = try input.text("account") { body["account"] = .string(account) }
        if try input.flag("decline") { body["decision"] = "decline" }
        try await streams.show(try await SandboxControl(paths).call("POST", "approve", .object(body)), options)
        return 0
    }

    @Sendable private func users(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let query = try input.integer("top").map { "?top=\($0)" } ?? ""
        let answer = try await SandboxControl(paths).call("GET", "users" + query)
        try await streams.show(
            answer, options, columns: ["userPrincipalName", "displayName", "role", "accountEnabled"])
        return 0
    }

    @Sendable private func faults(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let control = try SandboxControl(paths)
        let name =
            "faults"
            + (try input.text("tenant").map {
                "?tenant=" + PercentCoding.encode($0, isPlain: PercentCoding.isSegmentByte)
            } ?? "")
        if try input.flag("clear") { _ = try await control.call("DELETE", name) }
        if let fault = try input.object("add") {
            try await streams.show(try await control.call("POST", name, .object(fault)), options)
        } else {
            try await streams.show(try await control.call("GET", name), options)
        }
        return 0
    }

    @Sendable private func policies(
        _ input: InputReader, _ options: GlobalOptions, _ streams: CommandStreams
    ) async throws(MMError) -> Int32 {
        let control = try SandboxControl(paths)
        if try input.flag("clear") { _ = try await control.call("DELETE", "policies") }
        if let surroundings = try input.object("surroundings") {
            _ = try await control.call("POST", "surroundings", .object(surroundings))
        }
        if let policy = try input.object("add") { _ = try await control.call("POST", "policies", .object(policy)) }
        try await streams.show(try await control.call("GET", "policies"), options)
        return 0
    }
}

/// The control of a running sandbox tenant, with the secret of its state file.
struct SandboxControl {
    /// The base URL of the tenant.
    let base: String
    private let secret: Secret

    /// Finds the running tenant of this user.
    /// - Throws: `unavailable` when there is none.
    init(_ paths: StatePaths) throws(MMError) {
        guard let file = try SandboxStateFile.ofRunning(in: paths.stateDirectory) else {
            throw MMError(.unavailable, "No sandbox tenant is running.", hint: "Start it: mm sandbox start")
        }
        base = file.base
        secret = file.secret
    }

    /// Calls one control endpoint.
    /// - Parameters:
    ///   - method: the HTTP method.
    ///   - name: the endpoint below `/sandbox/`.
    ///   - body: the body to send.
    /// - Returns: the tenant's answer; `null` for an empty one.
    /// - Throws: `MMError` with the tenant's own message.
    func call(_ method: String, _ name: String, _ body: JSONValue? = nil) async throws(MMError) -> JSONValue {
        var request = HTTPRequest(
            method: method, url: "\(base)/sandbox/\(name)", body: body.map { JSONWriter.bytes($0) },
            allowsPlainHTTP: true)
        request.headers.set("X-Sandbox-Secret", secret.reveal())
        if body != nil { request.headers.set("Content-Type", "application/json") }
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await HTTPClient(configuration: HTTPClientConfiguration(environment: [:])).send(request)
        } catch {
            throw error.mmError(for: "the sandbox tenant")
        }
        let answer = response.body.isEmpty ? JSONValue.null : (try? JSONParser.parse(response.body)) ?? .null
        guard response.status < 300 else {
            let text = answer["error"]?["message"]?.string ?? "The sandbox tenant answered \(response.status)."
            throw MMError(response.status == 404 ? .notFound : .invalidInput, text)
        }
        return answer
    }
}

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

/// The main function of `mm-sandbox`: the commands of `mm sandbox`, which `mm` passes on unchanged.
package enum SandboxMain {
    /// Runs the command line of this process and ends it with the exit code.
    package static func main() -> Never {
        StandardStreams.occupyClosed()
        CommandProcess.run { (words, environment) in
            let streams = CommandStreams(environment: environment)
            if words == ["--version"] {
                try? streams.writeLine("mm-sandbox \(ProductVersion.text)")
                return 0
            }
            let program = CommandLineProgram(
                locals: SandboxCommands.all(environment: environment), terminal: streams,
                content: ContentSource(standardInput: StandardInput.text))
            return await program.run(["sandbox"] + words)
        }
    }
}
