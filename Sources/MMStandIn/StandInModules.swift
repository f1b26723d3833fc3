import MMCore
import MMPowerShell

/// The cmdlets that sign modules in and out, and the program `pac`.
struct StandInModules {
    /// The signed-in accounts, by module.
    var signedIn: [String: StandInAccount] = [:]

    typealias Run = @Sendable (StandInCall, StandInHost) -> CommandEnd?

    /// The commands by lower-case name.
    static let commands: [String: Run] = [
        "connect-exchangeonline": { connect("exo", .console, $0, $1) },
        "disconnect-exchangeonline": { disconnect("exo", $1) },
        "disable-azcontextautosave": { _, _ in nil },
        "update-azconfig": { _, _ in nil },
        "connect-azaccount": { connect("azure", .information, $0, $1) },
        "disconnect-azaccount": { disconnect("azure", $1) },
        "connect-microsoftteams": connectTeams,
        "disconnect-microsoftteams": { disconnect("teams", $1) },
        "connect-pnponline": { connect("pnp", .warning, $0, $1) },
        "disconnect-pnponline": { disconnect("pnp", $1) },
        "connect-mggraph": { connect("graph", .output, $0, $1) },
        "disconnect-mggraph": { disconnect("graph", $1) },
        "pac": pac,
    ]

    private static func connect(
        _ module: String, _ way: StandInOptions.PromptWay, _ call: StandInCall, _ host: StandInHost
    ) -> CommandEnd? {
        if let token = (call.argument("Token") ?? call.argument("GraphToken")).map({ Secret($0) }) {
            let said = TokenClaims(reading: token)
            host.modules.signedIn[module] = StandInAccount(
                claims: said.tenantID == nil ? host.options.claims : said, token: token)
        } else if call.argument("Path") != nil || call.named["managedidentity"] == true
            || call.named["identity"] == true
        {
            var claims = host.options.claims
            claims.account = nil
            claims.isApp = true
            host.modules.signedIn[module] = StandInAccount(claims: claims)
        } else {
            switch StandInSignIn.run(module, way, call, host) {
            case .success(let account): host.modules.signedIn[module] = account
            case .failure(let refusal): return refusal.end
            }
        }
        return nil
    }

    private static func connectTeams(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        if let end = connect("teams", .console, call, host) { return end }
        guard let claims = host.modules.signedIn["teams"]?.claims else { return nil }
        host.emit(PowerShellRecord(.output, ["Account": text(claims.account), "TenantId": text(claims.tenantID)]))
        return nil
    }

    private static func disconnect(_ module: String, _ host: StandInHost) -> CommandEnd? {
        host.modules.signedIn[module] = nil
        return nil
    }

    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    /// The program of the Power Platform, whose output is text.
    private static func pac(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        let verb = (call.text(0), call.text(1))
        switch verb {
        case ("auth", "create"): return connect("powerplatform", .native, call, host)
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

    private static func show(_ lines: [String], _ host: StandInHost) -> CommandEnd? {
        for line in lines { host.emit(PowerShellRecord(.output, .string(line))) }
        return nil
    }

    private static func environments(
        _ account: StandInAccount, _ host: StandInHost
    ) -> Result<[String], StandInRefusal> {
        guard let tenant = host.tenant else { return .success((1...5).map { "Environment \($0)" }) }
        guard let token = account.token else {
            return .failure(
                StandInRefusal("pac needs the sign-in of a person on the sandbox tenant.", id: "NotInSandbox"))
        }
        let answer = host.result(every: 5) {
            await Result { () async throws(MMError) in try await StandInRows.environments.read(tenant, token) }
        }
        switch answer {
        case .success(let rows): return .success(rows.compactMap { $0["Name"]?.string })
        case .failure(let error) where error.code == .cancelled:
            return .failure(StandInRefusal(end: CommandEnd(.stopped)))
        case .failure(let error): return .failure(StandInRefusal(error.message, id: "ServiceRefused"))
        }
    }
}
