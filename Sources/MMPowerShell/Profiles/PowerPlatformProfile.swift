package import MMCore

/// Power Platform: the program pac. What pac can't do (flows, DLP) goes through the REST services.
package struct PowerPlatformProfile: ModuleProfile {
    /// Creates the profile.
    package init() {}

    package let name = "powerplatform"
    package let title = "Power Platform (pac)"
    package let requirement = ModuleRequirement.program(
        name: "pac", install: "dotnet tool install --global Microsoft.PowerApps.CLI.Tool")
    package let methods: [SignInMethodKind] = [.certificate, .managedIdentity, .device]
    package let prompt = PromptWords(near: ["to sign in", "devicelogin", "to authenticate"], stream: .output)
    package let traps = [
        "pac signs in with its own app only; some tenants block it.",
        "pac has no commands for flows and data policies; use the flow service for them.",
        "Passwords and client secrets of pac would stand in its command line, so they aren't offered.",
    ]

    package func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource] {
        throw MMError(.unsupported, "\(title) takes no tokens.", hint: "Sign in with a device code or a certificate.")
    }

    package func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError)
        -> PowerShellCommand
    {
        var parameters: [String: PowerShellValue] = ["Cloud": .json(.string(target.cloud.pac))]
        let how: String
        switch method {
        case .device:
            let tenant = try? target.anyTenant()
            parameters["Tenant"] = tenant.map { .json(.string($0)) }
            how = tenant == nil ? "--deviceCode" : "--deviceCode --tenant $Tenant"
        case .certificate(let path, let password):
            guard password == nil else { throw cannot(method, "the file must have no password of its own") }
            parameters["AppId"] = .json(.string(try target.app()))
            parameters["Tenant"] = .json(.string(try target.anyTenant()))
            parameters["Path"] = .json(.string(path))
            how = "--applicationId $AppId --certificateDiskPath $Path --tenant $Tenant"
        case .managedIdentity(let client):
            guard client == nil else { throw cannot(method, "pac takes only the machine's first identity") }
            how = "--managedIdentity"
        case .tokens, .federated:
            throw cannot(method, "pac has no option for it")
        }
        return PowerShellCommand(
            """
            param($Cloud, $AppId, $Tenant, $Path)
            pac auth create \(how) --cloud $Cloud
            if ($LASTEXITCODE) { throw "pac auth create ended with code $LASTEXITCODE" }
            """, parameters: parameters, isLocal: true)
    }

    package var identity: PowerShellCommand? { health }

    /// pac prints lines of a label, a colon and a value.
    package func readIdentity(_ records: [JSONValue]) -> TokenClaims? {
        var claims = TokenClaims()
        for line in records.compactMap(\.string) {
            let plain = TerminalText.plain(line)
            if let range = plain.firstRange(of: "Connected as ") {
                claims.account = String(plain[range.upperBound...].prefix { !$0.isWhitespace })
            }
            guard let colon = plain.firstIndex(of: ":") else { continue }
            let label = plain[..<colon].lowercased().filter { $0.isLetter }
            let value = String(plain[plain.index(after: colon)...].drop { $0.isWhitespace }.prefix { !$0.isWhitespace })
            guard !value.isEmpty else { continue }
            switch label {
            case "user", "email": claims.account = value
            case "tenantid": claims.tenantID = value
            case "entraidobjectid", "aadobjectid", "userobjectid": claims.objectID = value
            case "applicationid": claims.appID = value
            default: break
            }
        }
        return claims.account == nil && claims.tenantID == nil ? nil : claims
    }

    package var health: PowerShellCommand {
        PowerShellCommand(
            """
            pac auth who
            if ($LASTEXITCODE) { throw "pac auth who ended with code $LASTEXITCODE" }
            """, isLocal: true)
    }

    package func isHealthy(_ records: [JSONValue]) -> Bool { readIdentity(records) != nil }

    package var disconnect: PowerShellCommand { PowerShellCommand("$null = pac auth clear", isLocal: true) }
}
