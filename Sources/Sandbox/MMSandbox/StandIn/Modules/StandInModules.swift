import MMCore
import MMPowerShell

/// The cmdlets that sign modules in and out, and the program `pac`.
struct StandInModules {
    /// The signed-in accounts, by module.
    var signedIn: [String: StandInAccount] = [:]
    /// The modules that were loaded, in lower case.
    var loaded: Set<String> = []
    /// The subscription that Azure's cmdlets use.
    let subscription = StandInSubscription()
    /// The settings changed by `Update-AzConfig`, by lower-case name.
    var settings: [String: Bool] = [:]

    /// Returns the installed version of a module; `nil` for an unknown one.
    func version(of name: String, _ options: StandInOptions) -> String? {
        let known = StandInModule.all.first { $0.name.lowercased() == name.lowercased() }
        return known.map { options.moduleVersion ?? $0.version }
    }

    /// Returns the numbers of a version, for comparison.
    static func numbers(_ version: String) -> [Int] { version.split(separator: ".").map { Int($0) ?? 0 } }

    typealias Run = @Sendable (StandInCall, StandInHost) -> CommandEnd?

    /// The commands by lower-case name.
    static let commands: [String: Run] = {
        var commands: [String: Run] = [
            "disable-azcontextautosave": { _, _ in nil },
            "invoke-mggraphrequest": { StandInRequests.graph($0, $1) },
            "invoke-azrestmethod": { StandInRequests.azure($0, $1) },
            "update-azconfig": configure,
            "pac": pac,
        ]
        commands.merge(StandInWriting.commands) { own, _ in own }
        for module in StandInModule.all where module.word != "powerplatform" {
            commands[module.connect.cmdlet.lowercased()] = { connect(module, $0, $1) }
            if module.word == "teams" { commands.merge(StandInPolicies.commands) { own, _ in own } }
            if let disconnect = module.disconnect {
                commands[disconnect.lowercased()] = { _, host in StandInModules.disconnect(module.word, host) }
            }
        }
        return commands
    }()

    private static func configure(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        for (name, value) in call.named { host.modules.settings[name] = value.bool ?? (value.string != "Off") }
        return nil
    }

    private static func connect(_ module: StandInModule, _ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        do throws(StandInRefusal) {
            sendAsides(of: module, host)
            let account = try signIn(module, by: try module.connect.way(of: call), call, host)
            try read(module, account, call, host)
            host.modules.signedIn[module.word] = account
            for record in module.connect.output(account.claims, call) where !call.isSilent { host.emit(record) }
            return nil
        } catch {
            return (call.named["erroraction"]?.string?.lowercased() == "stop" ? error.final : error).end
        }
    }

    private static func signIn(
        _ module: StandInModule, by way: StandInParameterSet.Way, _ call: StandInCall, _ host: StandInHost
    ) throws(StandInRefusal) -> StandInAccount {
        switch way {
        case .tokens:
            let token = Secret(
                call.named["accesstoken"]?.string ?? call.argument("Token") ?? call.argument("GraphToken") ?? "")
            let said = TokenClaims(reading: token)
            var given: [StandInAccount.Use: Secret] = [.main: token]
            given[.administration] = call.argument("TeamsToken").map { Secret($0) }
            given[.vault] = call.argument("VaultToken").map { Secret($0) }
            return StandInAccount(claims: said.tenantID == nil ? host.options.claims : said, given: given)
        case .identity:
            if let account = try StandInSignIn.identity(module, host) { return account }
            fallthrough
        case .app:
            var claims = host.options.claims
            claims.account = nil
            claims.isApp = true
            return StandInAccount(claims: claims)
        case .device: return try StandInSignIn.run(module, call, host).get()
        }
    }

    /// Sends a module's additional requests that aren't disabled. Their answers are ignored.
    private static func sendAsides(of module: StandInModule, _ host: StandInHost) {
        guard let tenant = host.tenant else { return }
        for aside in module.asides {
            if let (name, value) = aside.variable, host.environment[name]?.lowercased() == value { continue }
            if let (name, value) = aside.setting, host.modules.settings[name.lowercased()] == value { continue }
            _ = host.result(every: 5) {
                await Result { () async throws(MMError) in
                    try await tenant.send("GET", aside.address, body: nil, token: nil)
                }
            }
        }
    }

    /// Reads the paths that the module reads from its service before it reports success.
    private static func read(
        _ module: StandInModule, _ account: StandInAccount, _ call: StandInCall, _ host: StandInHost
    ) throws(StandInRefusal) {
        guard let tenant = host.tenant, account.has(.main) else { return }
        for path in module.connect.firstReads {
            let answer = host.result(every: 5) {
                await Result { () async throws(MMError) in
                    try await account.sending { (token) async throws(MMError) in
                        try await tenant.rows(of: path, body: nil, token: token)
                    }
                }
            }
            switch answer {
            case .success(let rows):
                guard module.word == "azure" else { continue }
                let wanted = call.named["subscription"]?.string
                let known = rows.map { StandInRows.subscriptions.shown($0) }
                guard host.modules.subscription.begin(wanted, among: known) else {
                    throw StandInRefusal(
                        "The provided account \(account.claims.account ?? "") does not have access to subscription name "
                            + "\"\(wanted ?? "")\". Please try logging in with different credentials or a different "
                            + "subscription name.", id: "Microsoft.Azure.Commands.Profile.ConnectAzureRmAccountCommand")
                }
            case .failure(let error):
                guard error.code != .cancelled else { throw StandInRefusal(end: CommandEnd(.stopped)) }
                throw StandInRefusal(error.message, id: "ServiceRefused")
            }
        }
    }

    private static func disconnect(_ module: String, _ host: StandInHost) -> CommandEnd? {
        host.modules.signedIn[module] = nil
        return nil
    }

    /// Runs the program of Power Platform, whose output is text.
    private static func pac(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let verb = (call.text(0), call.text(1))
        switch verb {
        case ("auth", "create"): return createProfile(call, host)
        case ("auth", "clear"): return disconnect("powerplatform", host)
        default: break
        }
        guard let account = host.modules.signedIn["powerplatform"] else {
            return StandInRefusal("pac needs a sign-in first.", id: "NotConnected").end
        }
        switch verb {
        case ("auth", "who"):
            let claims = account.claims
            return show(["Connected as \(claims.account ?? "an app")", "Tenant Id: \(claims.tenantID ?? "")"], host)
        case ("admin", "list"), ("env", "list"):
            switch environments(account, host) {
            case .success(let names): return show(names, host)
            case .failure(let refusal): return refusal.end
            }
        default:
            let text = "The stand-in's pac knows auth create, auth clear, auth who, admin list and env list."
            return StandInRefusal(text, id: "StandInCannotEvaluate").end
        }
    }

    /// Runs `pac auth create`. A program's arguments aren't parameters, so nothing checks them.
    private static func createProfile(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let module = StandInModule.named("powerplatform") else { return nil }
        let isApp = call.argument("Path") != nil || call.values.contains("--managedIdentity")
        do throws(StandInRefusal) {
            host.modules.signedIn[module.word] = try signIn(module, by: isApp ? .app : .device, call, host)
            return nil
        } catch {
            return error.end
        }
    }

    private static func show(_ lines: [String], _ host: StandInHost) -> CommandEnd? {
        for line in lines { host.emit(PowerShellRecord(.output, .string(line))) }
        return nil
    }

    private static func environments(
        _ account: StandInAccount, _ host: StandInHost
    ) -> Result<[String], StandInRefusal> {
        guard let tenant = host.tenant else { return .success((1...5).map { "Environment \($0)" }) }
        guard account.has(.main) else {
            return .failure(
                StandInRefusal("pac needs the sign-in of a person on the sandbox tenant.", id: "NotInSandbox"))
        }
        let answer = host.result(every: 5) {
            await Result { () async throws(MMError) in
                try await account.sending { (token) async throws(MMError) in
                    try await StandInRows.environments.read(tenant, token)
                }
            }
        }
        switch answer {
        case .success(let rows): return .success(rows.compactMap { $0["Name"]?.string })
        case .failure(let error) where error.code == .cancelled:
            return .failure(StandInRefusal(end: CommandEnd(.stopped)))
        case .failure(let error): return .failure(StandInRefusal(error.message, id: "ServiceRefused"))
        }
    }
}

/// The cmdlets that send any request with a module's sign-in.
enum StandInRequests {
    /// Runs `Invoke-MgGraphRequest`: outputs the answer, or fails with its status.
    static func graph(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        send(call, host, "graph", address: call.named["uri"]?.string, body: call.named["body"]) { answer in
            guard answer.status < 300 else {
                return StandInRefusal(
                    "\(call.name): \(answer.status) does not indicate success. \(answer.text)",
                    id: "InvokeGraphHttpResponseException"
                ).end
            }
            if !answer.text.isEmpty { host.emit(PowerShellRecord(.output, .string(answer.text))) }
            return nil
        }
    }

    /// Runs `Invoke-AzRestMethod`: outputs the status and the content, whatever they are.
    static func azure(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let address = call.named["path"]?.string ?? call.named["uri"]?.string
        return send(call, host, "azure", address: address, body: call.named["payload"]) { answer in
            host.emit(
                PowerShellRecord(
                    .output, ["StatusCode": .int(Int64(answer.status)), "Content": .string(answer.text)]))
            return nil
        }
    }

    private static func send(
        _ call: StandInCall, _ host: StandInHost, _ module: String, address: String?, body: JSONValue?,
        show: ((status: Int, text: String)) -> CommandEnd?
    ) -> CommandEnd? {
        guard let tenant = host.tenant, let account = host.modules.signedIn[module], account.has(.main) else {
            return StandInRefusal("Authentication needed. Please call Connect first.", id: "NotConnected").end
        }
        guard let address else { return StandInRefusal("-Uri is missing.", id: "MissingMandatoryParameter").end }
        let method = call.named["method"]?.string?.uppercased() ?? "GET"
        let outcome = host.result(every: 5) {
            await Result { () async throws(MMError) in
                try await account.sending { (token) async throws(MMError) in
                    try await tenant.send(method, address, body: body?.string, token: token)
                }
            }
        }
        switch outcome {
        case .success(let answer): return show(answer)
        case .failure(let error) where error.code == .cancelled: return CommandEnd(.stopped)
        case .failure(let error): return StandInRefusal(error.message, id: "NoAnswer").end
        }
    }
}

/// The cmdlets that change the policies of Teams: `Set-`, `New-` and `Remove-` of each noun.
enum StandInPolicies {
    /// The commands by lower-case name.
    static let commands: [String: StandInModules.Run] = {
        var commands: [String: StandInModules.Run] = [:]
        for kind in TeamsConfiguration.Kind.all {
            commands["set-cs\(kind.noun.lowercased())"] = { write("PUT", kind, $0, $1) }
            guard !kind.isSingle else { continue }
            commands["new-cs\(kind.noun.lowercased())"] = { write("POST", kind, $0, $1) }
            commands["remove-cs\(kind.noun.lowercased())"] = { write("DELETE", kind, $0, $1) }
        }
        return commands
    }()

    /// The common parameters, which aren't settings.
    private static let common: Set<String> = ["identity", "erroraction", "warningaction", "confirm", "force", "whatif"]

    private static func write(
        _ method: String, _ kind: TeamsConfiguration.Kind, _ call: StandInCall, _ host: StandInHost
    ) -> CommandEnd? {
        guard let account = host.modules.signedIn["teams"] else {
            return StandInRefusal("\(call.name) needs a sign-in first: run Connect-MicrosoftTeams.", id: "NotConnected")
                .end
        }
        guard let tenant = host.tenant, account.has(.administration) else {
            return StandInRefusal("\(call.name) needs the sandbox tenant.", id: "NotInSandbox").end
        }
        let known = Set((kind.objects.first?.settings ?? [:]).map { $0.key.lowercased() })
        var body = JSONObject()
        for (name, value) in call.named where !common.contains(name) {
            guard known.contains(name) else {
                return StandInRefusal(
                    "A parameter cannot be found that matches parameter name '\(name)'.", id: "NamedParameterNotFound"
                ).end
            }
            body[name] = value
        }
        let name = call.named["identity"]?.string ?? call.text(0) ?? (method == "PUT" ? "Global" : "")
        var path = "/Skype.Policy/configurations/\(kind.type)"
        if method == "POST" {
            body["Identity"] = .string(name)
        } else {
            path += "/configuration/\(PercentCoding.encode(name, isPlain: PercentCoding.isSegmentByte))"
        }
        let (place, text) = (path, method == "DELETE" ? nil : JSONWriter.string(.object(body)))
        let outcome = host.result(every: 5) {
            await Result { () async throws(MMError) in
                try await account.sending(for: .administration) { (token) async throws(MMError) in
                    try await tenant.send(method, place, body: text, token: token)
                }
            }
        }
        switch outcome {
        case .success(let answer) where answer.status < 300: return nil
        case .success(let answer):
            let message = (try? JSONParser.parse(Array(answer.text.utf8)))?["error"]?["message"]?.string
            return StandInRefusal(message ?? "The service answered \(answer.status).", id: "ServiceRefused").end
        case .failure(let error) where error.code == .cancelled: return CommandEnd(.stopped)
        case .failure(let error): return StandInRefusal(error.message, id: "NoAnswer").end
        }
    }
}
