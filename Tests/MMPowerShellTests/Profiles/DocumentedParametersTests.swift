import MMCore
import PowerShellSyntax
import TestSupport
import Testing

@testable import MMPowerShell

@Suite("The scripts of the profiles", .timeLimit(.minutes(5)))
struct DocumentedParametersTests {
    private func scripts(of profile: any ModuleProfile) throws -> [String] {
        var scripts: [String] = []
        for method in try ProfileTests.methods(of: profile) {
            scripts.append(try profile.connect(ProfileTests.target(), by: method).script)
        }
        for password in [Secret("p")] {
            let method = ModuleSignInMethod.certificate(path: "/c", password: password)
            if let command = try? profile.connect(ProfileTests.target(), by: method) { scripts.append(command.script) }
        }
        for client in ["c"] {
            let method = ModuleSignInMethod.managedIdentity(clientID: client)
            if let command = try? profile.connect(ProfileTests.target(), by: method) { scripts.append(command.script) }
        }
        scripts += [
            profile.preparation, profile.health.script, profile.disconnect.script, profile.requirement.load.script,
        ]
        if let identity = profile.identity { scripts.append(identity.script) }
        return scripts
    }

    /// The cmdlets of a script with the names of their parameters, including those splatted from `$more`.
    private func uses(in script: String) -> [(cmdlet: String, parameters: [String])] {
        let facts = ScriptFacts(of: PowerShellParser.parse(script))
        let splatted = facts.items.compactMap { item -> String? in
            if case .setMember(let name?, _) = item.detail { return name }
            return nil
        }
        return facts.items.compactMap { item in
            guard case .command(let command) = item.detail, let name = command.name else { return nil }
            var parameters: [String] = []
            for argument in command.arguments {
                switch argument {
                case .parameter(let name, _): parameters.append(name)
                case .value(.dynamic(.splat, name: "more")): parameters += splatted
                case .value: break
                }
            }
            // These names of cmdlets are built at run time.
            return (name.split(separator: "\\").last.map(String.init) ?? name, parameters)
        }
    }

    @Test("parse without an error", arguments: ProfileTests.words)
    func parse(word: String) throws {
        for script in try scripts(of: ModuleProfiles.named(word)) {
            #expect(PowerShellParser.parse(script).errors.isEmpty, "\(script)")
        }
    }

    @Test("use only cmdlets and parameters that the vendors document", arguments: ProfileTests.words)
    func documented(word: String) throws {
        let table = try Fixture.json("cmdlets/connect-parameters.json")
        let known = try #require(table["cmdlets"]?.object)
        let common = Set((table["common"]?.array ?? []).compactMap(\.string))
        let builtIn: Set<String> = [
            "Select-Object", "Where-Object", "ConvertTo-SecureString", "Get-Command", "Import-Module", "pac",
        ]
        var checked = 0
        for script in try scripts(of: ModuleProfiles.named(word)) {
            for use in uses(in: script) where !builtIn.contains(use.cmdlet) {
                let row = known[use.cmdlet]?.array?.compactMap(\.string)
                let parameters = try #require(row, "\(use.cmdlet) is in no table")
                for parameter in use.parameters {
                    #expect(
                        parameters.contains(parameter) || common.contains(parameter),
                        "\(use.cmdlet) -\(parameter) is not documented")
                    checked += 1
                }
            }
        }
        // pac is a program: its options are just words to PowerShell.
        #expect(checked >= (word == "powerplatform" ? 0 : 5))
    }

    @Test("pac gets only documented options, and never a secret")
    func pac() throws {
        let options: Set<String> = [
            "--deviceCode", "--cloud", "--environment", "--name", "--applicationId", "--certificateDiskPath",
            "--tenant",
            "--managedIdentity",
        ]
        for script in try scripts(of: PowerPlatformProfile()) {
            let used = script.split(whereSeparator: \.isWhitespace).filter { $0.hasPrefix("--") }.map(String.init)
            #expect(Set(used).isSubset(of: options))
        }
        #expect(
            try PowerPlatformProfile().connect(ProfileTests.target(), by: .device).script.contains(
                "--deviceCode --tenant $Tenant"))
        #expect(throws: MMError.self) {
            try PowerPlatformProfile().connect(
                ProfileTests.target(), by: .certificate(path: "/c", password: Secret("p")))
        }
    }
}
