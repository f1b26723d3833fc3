import Glibc
import MMCore

/// The stand-in's connect, health and a few Get cmdlets of each module.
struct StandInModules {
    /// Who is signed in, by module.
    var signedIn: [String: TokenClaims] = [:]

    typealias Run = @Sendable (StandInCall, StandInHost) -> CommandEnd?

    /// The commands by name in lower case.
    static let commands: [String: Run] = [
        "connect-exchangeonline": { connect("exo", .console, $0, $1) },
        "get-connectioninformation": exchangeConnections,
        "disconnect-exchangeonline": { disconnect("exo", $1) },
        "get-mailbox": { sample("exo", "Get-Mailbox", $0, $1) { mailbox($0) } },
        "disable-azcontextautosave": { _, _ in nil },
        "update-azconfig": { _, _ in nil },
        "connect-azaccount": { connect("azure", .information, $0, $1) },
        "get-azcontext": azureContext,
        "get-azsubscription": {
            sample("azure", "Get-AzSubscription", $0, $1) { ["Name": .string("Subscription \($0)")] }
        },
        "disconnect-azaccount": { disconnect("azure", $1) },
        "connect-microsoftteams": connectTeams,
        "get-cstenant": { sample("teams", "Get-CsTenant", $0, $1, count: 1) { _ in ["TenantId": .string("tenant")] } },
        "get-team": { sample("teams", "Get-Team", $0, $1) { ["DisplayName": .string("Team \($0)")] } },
        "disconnect-microsoftteams": { disconnect("teams", $1) },
        "connect-pnponline": { connect("pnp", .warning, $0, $1) },
        "get-pnpaccesstoken": sharePointClaims,
        "get-pnpweb": {
            sample("pnp", "Get-PnPWeb", $0, $1, count: 1) { _ in
                ["Title": "Contoso", "Url": "https://contoso.sharepoint.com"]
            }
        },
        "get-pnplist": { sample("pnp", "Get-PnPList", $0, $1) { ["Title": .string("List \($0)")] } },
        "disconnect-pnponline": { disconnect("pnp", $1) },
        "connect-mggraph": { connect("graph", .output, $0, $1) },
        "get-mgcontext": graphContext,
        "get-mguser": { sample("graph", "Get-MgUser", $0, $1) { ["DisplayName": .string("User \($0)")] } },
        "disconnect-mggraph": { disconnect("graph", $1) },
        "pac": pac,
    ]

    private static func connect(
        _ module: String, _ way: StandInOptions.PromptWay, _ call: StandInCall, _ host: StandInHost
    ) -> CommandEnd? {
        let options = host.options
        var claims = TokenClaims(
            account: options.account, objectID: "99999999-0000-0000-0000-000000000000", tenantID: options.tenant)
        if let token = call.argument("Token") ?? call.argument("GraphToken") {
            let said = TokenClaims(reading: Secret(token))
            if said.tenantID != nil { claims = said }
        } else if call.argument("Path") != nil || call.named["managedidentity"] == true
            || call.named["identity"] == true
        {
            claims.account = nil
            claims.isApp = true
        } else {
            StandInPrompt.show(options.promptWay ?? way, code: "FXK3T9QMB", host)
            guard isApproved(options, host) else { return CommandEnd(.stopped) }
            if options.declines {
                let text = "AADSTS65004: User declined to consent to access the app."
                return CommandEnd(.failed, failure: CommandFailure(message: text, id: "authorization_declined"))
            }
        }
        host.modules.signedIn[module] = claims
        return nil
    }

    /// Waits for the person; false when the command was stopped.
    private static func isApproved(_ options: StandInOptions, _ host: StandInHost) -> Bool {
        guard let file = options.approveWhen else { return host.wait(milliseconds: options.approveAfter) }
        while access(file, F_OK) != 0 {
            guard host.wait(milliseconds: 10) else { return false }
        }
        return true
    }

    private static func connectTeams(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        if let end = connect("teams", .console, call, host) { return end }
        guard let claims = host.modules.signedIn["teams"] else { return nil }
        host.emit(PowerShellRecord(.output, ["Account": text(claims.account), "TenantId": text(claims.tenantID)]))
        return nil
    }

    private static func disconnect(_ module: String, _ host: StandInHost) -> CommandEnd? {
        host.modules.signedIn[module] = nil
        return nil
    }

    private static func text(_ value: String?) -> JSONValue { value.map { .string($0) } ?? .null }

    /// Who is signed in, or the end that a cmdlet has without.
    private static func claims(
        _ module: String, _ cmdlet: String, _ host: StandInHost
    ) -> Result<TokenClaims, StandInRefusal> {
        if let claims = host.modules.signedIn[module] { return .success(claims) }
        let failure = CommandFailure(
            message: "\(cmdlet) needs a sign-in first.", id: "NotConnected", line: 1, column: 1)
        return .failure(StandInRefusal(end: CommandEnd(.failed, failure: failure)))
    }

    private static func sample(
        _ module: String, _ cmdlet: String, _ call: StandInCall, _ host: StandInHost, count: Int = 5,
        make: (Int) -> JSONValue
    ) -> CommandEnd? {
        switch claims(module, cmdlet, host) {
        case .failure(let refusal): return refusal.end
        case .success:
            let size = call.named["resultsize"]?.int ?? call.named["first"]?.int ?? count
            for number in 0..<min(size, 100_000) where !call.isSilent {
                host.emit(PowerShellRecord(.output, make(number + 1)))
                if number % 256 == 255, !host.goesOn() { return CommandEnd(.stopped) }
            }
            return nil
        }
    }

    private static func mailbox(_ number: Int) -> JSONValue {
        [
            "DisplayName": .string("Person \(number)"),
            "PrimarySmtpAddress": .string("person\(number)@contoso.example"),
            "RecipientTypeDetails": "UserMailbox",
        ]
    }

    private static func exchangeConnections(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let claims = host.modules.signedIn["exo"] else { return nil }
        host.emit(
            PowerShellRecord(
                .output,
                [
                    "State": "Connected", "TokenStatus": "Active", "UserPrincipalName": text(claims.account),
                    "TenantID": text(claims.tenantID), "AppId": text(claims.appID),
                ]))
        return nil
    }

    private static func azureContext(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let claims = host.modules.signedIn["azure"] else { return nil }
        host.emit(PowerShellRecord(.output, ["Account": text(claims.account), "TenantId": text(claims.tenantID)]))
        return nil
    }

    private static func graphContext(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let claims = host.modules.signedIn["graph"] else { return nil }
        host.emit(
            PowerShellRecord(
                .output,
                [
                    "Account": text(claims.account), "TenantId": text(claims.tenantID), "ClientId": text(claims.appID),
                ]))
        return nil
    }

    private static func sharePointClaims(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        switch claims("pnp", "Get-PnPAccessToken", host) {
        case .failure(let refusal): return refusal.end
        case .success(let claims):
            for (type, value) in [("upn", claims.account), ("oid", claims.objectID), ("tid", claims.tenantID)] {
                if let value { host.emit(PowerShellRecord(.output, ["Type": .string(type), "Value": .string(value)])) }
            }
            return nil
        }
    }

    private static func pac(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        switch (call.text(0), call.text(1)) {
        case ("auth", "create"): return connect("powerplatform", .native, call, host)
        case ("auth", "clear"): return disconnect("powerplatform", host)
        case ("auth", "who"):
            switch claims("powerplatform", "pac auth who", host) {
            case .failure(let refusal): return refusal.end
            case .success(let claims):
                let lines = ["Connected as \(claims.account ?? "an app")", "Tenant Id: \(claims.tenantID ?? "")"]
                for line in lines { host.emit(PowerShellRecord(.output, .string(line))) }
                return nil
            }
        default:
            return sample("powerplatform", "pac", call, host) { .string("Environment \($0)") }
        }
    }
}

/// The end of a cmdlet that isn't signed in.
struct StandInRefusal: Error {
    let end: CommandEnd
}
