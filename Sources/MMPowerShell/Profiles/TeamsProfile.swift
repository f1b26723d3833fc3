package import MMCore

/// Teams: MicrosoftTeams.
package struct TeamsProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "teams"
    package let title = "Microsoft Teams"
    package let requirement = ModuleRequirement.module(name: "MicrosoftTeams", least: "7.4.0")
    package let methods: [SignInMethodKind] = [.tokens, .certificate, .managedIdentity, .device]
    package let prompt = PromptWords(near: ["to sign in", "devicelogin", "to authenticate"], stream: .console)
    package let traps = [
        "Cs cmdlets that write try again for minutes after an error; give -ErrorAction Stop with them.",
        "Not every cmdlet works for an app that signs in for itself.",
    ]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        [TokenResource(.graph), TokenResource(.teams)]
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = [:]
        var how: String
        switch method {
        case .tokens(let tokens):
            let graph = try token(.graph, in: tokens)
            let teams = try token(.teams, in: tokens)
            guard graph.claims.isApp == teams.claims.isApp else {
                throw MMError(.invalidInput, "Teams needs two tokens of one kind: both a person's, or both an app's.")
            }
            parameters["GraphToken"] = .secret(graph.token)
            parameters["TeamsToken"] = .secret(teams.token)
            how = "-AccessTokens @($GraphToken, $TeamsToken)"
        case .device:
            if let environment = target.cloud.teams { parameters["Environment"] = .json(.string(environment)) }
            how = "-UseDeviceAuthentication"
        case .certificate(let path, let password):
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Path"] = .json(.string(path))
            parameters["Password"] = .secret(password ?? Secret(""))
            how =
                "-ApplicationId $AppId -Certificate ([System.Security.Cryptography.X509Certificates.X509Certificate2]::new($Path, $Password))"
        case .managedIdentity(let client):
            guard client == nil else { throw cannot(method, "the module takes only the machine's first identity") }
            how = "-Identity"
        case .federated:
            throw cannot(method, "the module has no parameter for it")
        }
        // With tokens the module takes the tenant from them, and refuses any that is given.
        if method.kind != .tokens {
            parameters["Tenant"] = .json(.string(try target.anyTenant()))
            how += " -TenantId $Tenant"
        }
        // What it returns holds objects of which no JSON can be made.
        return PowerShellCommand(
            """
            param($Tenant, $Environment, $GraphToken, $TeamsToken, $AppId, $Path, $Password)
            $more = @{}
            if ($Environment) { $more.TeamsEnvironmentName = $Environment }
            MicrosoftTeams\\Connect-MicrosoftTeams \(how) @more -ErrorAction Stop | Select-Object @{ Name = 'Account'; Expression = { [string]$_.Account } }, @{ Name = 'TenantId'; Expression = { [string]$_.TenantId } }
            """, parameters: parameters, isLocal: true)
    }

    /// Only the connect command's own answer names the account: `Get-CsTenant` knows the tenant alone.
    package var identity: PowerShellCommand? { nil }

    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        guard let row = records.last(where: { text($0, "TenantId") != nil }) else { return nil }
        return TokenClaims(account: text(row, "Account"), tenantID: text(row, "TenantId"))
    }

    package var health: PowerShellCommand {
        PowerShellCommand("Get-CsTenant -ErrorAction Stop | Select-Object TenantId", isLocal: true)
    }

    /// Everybody may list their own teams; cmdlets of the Teams administration are for administrators alone.
    package func health(of identity: TokenClaims) -> PowerShellCommand {
        guard let account = identity.account else { return health }
        return PowerShellCommand(
            "param([string] $User) Get-Team -User $User -ErrorAction Stop | Select-Object -First 1 -Property GroupId",
            parameters: ["User": .json(.string(account))], isLocal: true)
    }

    /// A person may be in no team.
    package func isHealthy(_ records: [JSONValue]) -> Bool { true }

    package var disconnect: PowerShellCommand {
        PowerShellCommand("MicrosoftTeams\\Disconnect-MicrosoftTeams", isLocal: true)
    }
}
