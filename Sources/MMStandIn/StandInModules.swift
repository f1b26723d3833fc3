import MMCore
import MMPowerShell

/// The connect and health cmdlets of each module, and a few of its Get cmdlets.
struct StandInModules {
    /// The signed-in accounts, by module.
    var signedIn: [String: StandInAccount] = [:]

    typealias Run = @Sendable (StandInCall, StandInHost) -> CommandEnd?

    /// The commands by lower-case name.
    static let commands: [String: Run] = [
        "connect-exchangeonline": { connect("exo", .console, $0, $1) },
        "get-connectioninformation": exchangeConnections,
        "disconnect-exchangeonline": { disconnect("exo", $1) },
        "get-mailbox": { reading("exo", "Get-Mailbox", $0, $1, .mailboxes) { mailbox($0) } },
        "disable-azcontextautosave": { _, _ in nil },
        "update-azconfig": { _, _ in nil },
        "connect-azaccount": { connect("azure", .information, $0, $1) },
        "get-azcontext": azureContext,
        "get-azsubscription": {
            reading("azure", "Get-AzSubscription", $0, $1, .subscriptions) { ["Name": .string("Subscription \($0)")] }
        },
        "disconnect-azaccount": { disconnect("azure", $1) },
        "connect-microsoftteams": connectTeams,
        "get-cstenant": {
            reading("teams", "Get-CsTenant", $0, $1, count: 1, .organization) { _ in ["TenantId": .string("tenant")] }
        },
        "get-team": {
            reading("teams", "Get-Team", $0, $1, .teams) { ["DisplayName": .string("Team \($0)")] }
        },
        "disconnect-microsoftteams": { disconnect("teams", $1) },
        "connect-pnponline": { connect("pnp", .warning, $0, $1) },
        "get-pnpaccesstoken": sharePointClaims,
        "get-pnpweb": {
            reading("pnp", "Get-PnPWeb", $0, $1, count: 1, .web) { _ in
                ["Title": "Contoso", "Url": "https://contoso.sharepoint.com"]
            }
        },
        "get-pnplist": {
            reading("pnp", "Get-PnPList", $0, $1, .lists) { ["Title": .string("List \($0)")] }
        },
        "disconnect-pnponline": { disconnect("pnp", $1) },
        "connect-mggraph": { connect("graph", .output, $0, $1) },
        "get-mgcontext": graphContext,
        "get-mguser": {
            reading("graph", "Get-MgUser", $0, $1, .users) { ["DisplayName": .string("User \($0)")] }
        },
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

    /// Returns the signed-in account, or the end of a cmdlet that needs one.
    private static func account(
        _ module: String, _ cmdlet: String, _ host: StandInHost
    ) -> Result<StandInAccount, StandInRefusal> {
        if let account = host.modules.signedIn[module] { return .success(account) }
        return .failure(StandInRefusal("\(cmdlet) needs a sign-in first.", id: "NotConnected"))
    }

    /// Runs a reading cmdlet: emits the tenant's own rows, or made-up ones where there is no tenant.
    private static func reading(
        _ module: String, _ cmdlet: String, _ call: StandInCall, _ host: StandInHost, count: Int = 5,
        _ source: StandInRows, make: (Int) -> JSONValue
    ) -> CommandEnd? {
        let account: StandInAccount
        switch self.account(module, cmdlet, host) {
        case .failure(let refusal): return refusal.end
        case .success(let known): account = known
        }
        let wanted = call.named["resultsize"]?.int ?? call.named["first"]?.int
        if let tenant = host.tenant {
            guard let token = account.token else {
                let text = "\(cmdlet) needs the sign-in of a person on the sandbox tenant."
                return StandInRefusal(text, id: "NotInSandbox").end
            }
            switch source.read(tenant, token, call, host) {
            case .failure(let refusal): return refusal.end
            case .success(let rows):
                for row in rows.prefix(wanted ?? rows.count) where !call.isSilent {
                    host.emit(PowerShellRecord(.output, row))
                }
                return nil
            }
        }
        for number in 0..<min(wanted ?? count, 100_000) where !call.isSilent {
            host.emit(PowerShellRecord(.output, make(number + 1)))
            if number % 256 == 255, !host.shouldContinue() { return CommandEnd(.stopped) }
        }
        return nil
    }

    private static func mailbox(_ number: Int) -> JSONValue {
        [
            "DisplayName": .string("Person \(number)"),
            "PrimarySmtpAddress": .string("person\(number)@contoso.example"),
            "RecipientTypeDetails": "UserMailbox",
        ]
    }

    private static func exchangeConnections(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let claims = host.modules.signedIn["exo"]?.claims else { return nil }
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
        guard let claims = host.modules.signedIn["azure"]?.claims else { return nil }
        host.emit(PowerShellRecord(.output, ["Account": text(claims.account), "TenantId": text(claims.tenantID)]))
        return nil
    }

    private static func graphContext(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        guard let claims = host.modules.signedIn["graph"]?.claims else { return nil }
        host.emit(
            PowerShellRecord(
                .output,
                [
                    "Account": text(claims.account), "TenantId": text(claims.tenantID), "ClientId": text(claims.appID),
                ]))
        return nil
    }

    private static func sharePointClaims(_ call: StandInCall, _ host: StandInHost) -> CommandEnd? {
        switch account("pnp", "Get-PnPAccessToken", host) {
        case .failure(let refusal): return refusal.end
        case .success(let account):
            let claims = account.claims
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
            switch account("powerplatform", "pac auth who", host) {
            case .failure(let refusal): return refusal.end
            case .success(let account):
                let claims = account.claims
                let lines = ["Connected as \(claims.account ?? "an app")", "Tenant Id: \(claims.tenantID ?? "")"]
                for line in lines { host.emit(PowerShellRecord(.output, .string(line))) }
                return nil
            }
        default:
            return reading("powerplatform", "pac", call, host, StandInRows.environments) {
                .string("Environment \($0)")
            }
        }
    }
}
