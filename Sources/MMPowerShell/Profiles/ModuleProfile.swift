package import MMCore

/// All that a session needs to know about one module: one conforming type a file.
package protocol ModuleProfile: Sendable {
    /// The word callers use: `exo`, `azure`, `teams`, `pnp`, `powerplatform`, `graph`.
    var name: String { get }
    /// What it is, for people.
    var title: String { get }
    /// What must be installed.
    var requirement: ModuleRequirement { get }
    /// Most memory of the .NET heap, in bytes.
    var memoryCap: Int { get }
    /// Settings of the module that are environment variables.
    var environment: [String: String] { get }
    /// What is run once after the module was loaded, before anybody signs in; empty for nothing.
    var preparation: String { get }
    /// The words between which this module shows a device code, and the stream they come on.
    var prompt: PromptWords { get }
    /// The sign-ins it takes, in the order they are tried.
    var methods: [SignInMethodKind] { get }
    /// Tokens that must be there for a sign-in with tokens.
    /// - Parameter target: who is to be signed in.
    /// - Throws: `invalidInput` when the connection lacks something.
    func resources(for target: ModuleSignInTarget) throws(MMError) -> [TokenResource]
    /// The command that signs in.
    /// - Parameters:
    ///   - target: who is to be signed in.
    ///   - method: how.
    /// - Throws: `invalidInput` when the connection lacks something, `unsupported` when the module can't.
    func connect(_ target: ModuleSignInTarget, by method: ModuleSignInMethod) throws(MMError) -> PowerShellCommand
    /// The command that tells who is signed in; `nil` when only the connect command's own answer or the token does.
    var identity: PowerShellCommand? { get }
    /// Who is signed in, read from the records of `identity`, or of the connect command.
    /// - Parameter records: the values of output and text records.
    func readIdentity(_ records: [JSONValue]) -> TokenClaims?
    /// The command that tells whether the sign-in still works. It asks the service, not only the module.
    var health: PowerShellCommand { get }
    /// The same for somebody in particular, where what may be asked depends on who asks.
    /// - Parameter identity: who is signed in.
    func health(of identity: TokenClaims) -> PowerShellCommand
    /// Whether the answer of `health` is that of somebody who is signed in. One that failed is not looked at.
    /// - Parameter records: the values of output and text records.
    func isHealthy(_ records: [JSONValue]) -> Bool
    /// The command that signs out of this session, and of nothing else.
    var disconnect: PowerShellCommand { get }
    /// What people should know about this module, a sentence each.
    var traps: [String] { get }
}

/// The kinds of sign-in, without their values.
package enum SignInMethodKind: String, Sendable, Hashable, CaseIterable {
    /// As `SignInMethod`'s cases.
    case tokens, device, certificate, managedIdentity, federated
}

extension ModuleSignInMethod {
    /// The kind of this sign-in.
    package var kind: SignInMethodKind {
        switch self {
        case .tokens: .tokens
        case .device: .device
        case .certificate: .certificate
        case .managedIdentity: .managedIdentity
        case .federated: .federated
        }
    }
}

extension ModuleProfile {
    /// Nothing to prepare.
    package var preparation: String { "" }
    /// No settings of its own.
    package var environment: [String: String] { [:] }
    /// The same question for everybody.
    package func health(of identity: TokenClaims) -> PowerShellCommand { health }
    /// Enough for most modules: a process that leaks ends with an error record, not with the machine.
    package var memoryCap: Int { 384 << 20 }

    /// The error for a sign-in that this module doesn't have.
    func cannot(_ method: ModuleSignInMethod, _ why: String) -> MMError {
        MMError(
            .unsupported, "\(title) can't sign in by \(method.word): \(why).",
            hint: "Use one of: \(methods.map(\.rawValue).joined(separator: ", ")).")
    }

    /// The token for a service among those that were fed.
    func token(_ service: TokenResource.Service, in tokens: [FedToken]) throws(MMError) -> FedToken {
        guard let token = tokens.first(where: { $0.resource.service == service }) else {
            throw MMError(
                .invalidInput, "\(title) needs a token for \(service.rawValue), and none was fed.",
                hint: "Sign in to the connection again.")
        }
        return token
    }

    /// The value under the first of some keys that an object has as text, without regard to case.
    func text(_ value: JSONValue, _ keys: String...) -> String? {
        guard let object = value.object else { return nil }
        for key in keys {
            for member in object where member.key.lowercased() == key.lowercased() {
                if let text = member.value.string, !text.isEmpty { return text }
            }
        }
        return nil
    }
}

/// What must be installed for a module.
package enum ModuleRequirement: Sendable, Hashable {
    /// A PowerShell module, of at least a version where one is named.
    case module(name: String, least: String?)
    /// A program on the search path, and the command that installs it.
    case program(name: String, install: String)

    /// The command line that installs it. It is shown to people; nothing installs itself.
    package var installCommand: String {
        switch self {
        case .module(let name, let least):
            "pwsh -NoProfile -Command \"Install-PSResource -Name \(name)\(least.map { " -Version '[\($0),)'" } ?? "")"
                + " -Scope CurrentUser\""
        case .program(_, let install): install
        }
    }

    /// Name of the module or program.
    package var name: String {
        switch self {
        case .module(let name, _), .program(let name, _): name
        }
    }

    /// The command that loads the module, or finds the program.
    var load: PowerShellCommand {
        switch self {
        case .module(let name, let least):
            PowerShellCommand(
                """
                param([string] $Name, [version] $Least)
                Import-Module -Name $Name -MinimumVersion $Least -ErrorAction Stop
                """, parameters: ["Name": .json(.string(name)), "Least": .json(.string(least ?? "0.0"))])
        case .program(let name, _):
            PowerShellCommand(
                """
                param([string] $Name)
                $null = Get-Command -Name $Name -CommandType Application -ErrorAction Stop
                """, parameters: ["Name": .json(.string(name))])
        }
    }

    /// The command that lists the versions of the module that are there; `nil` for a program.
    var versions: PowerShellCommand? {
        guard case .module(let name, _) = self else { return nil }
        return PowerShellCommand(
            """
            param([string] $Name)
            Get-Module -Name $Name -ListAvailable -ErrorAction Ignore | ForEach-Object { "$($_.Version)" }
            """, parameters: ["Name": .json(.string(name))], isLocal: true)
    }

    /// The error for a requirement that isn't met.
    /// - Parameters:
    ///   - found: the versions of the module that are there, all of them too old.
    ///   - cause: PowerShell's own words.
    func missing(found: [String] = [], cause: String?) -> MMError {
        var details: JSONObject = ["requirement": .string(name), "install": .string(installCommand)]
        let newest = found.max { Self.numbers($0).lexicographicallyPrecedes(Self.numbers($1)) }
        if case .module(let name, let least?) = self, let newest {
            details["found"] = .string(newest)
            return MMError(
                .unavailable,
                "The PowerShell module \(name) is installed in version \(newest), which is too old: version \(least) or later "
                    + "is needed.",
                hint: "Install a newer one beside it, then try again: \(installCommand)", details: details, cause: cause
            )
        }
        let what =
            switch self {
            case .module(let name, let least):
                "The PowerShell module \(name)\(least.map { " (version \($0) or later)" } ?? "")"
            case .program(let name, _): "The program \(name)"
            }
        return MMError(
            .unavailable, "\(what) is not installed for this user.",
            hint: "Install it, then try again: \(installCommand)", details: details, cause: cause)
    }

    /// The numbers of a version, which compare as numbers.
    private static func numbers(_ version: String) -> [Int] { version.split(separator: ".").map { Int($0) ?? 0 } }
}

/// Where and how a module shows a device code.
package struct PromptWords: Sendable, Hashable {
    /// A text in which one of these words stands near the code, in lower case.
    package let near: [String]
    /// The stream it was seen on; codes are read from every stream.
    package let stream: Stream

    /// Where prompts come from.
    package enum Stream: String, Sendable, Hashable {
        /// Standard output or standard error of the process.
        case console
        /// The information stream.
        case information
        /// The warning stream.
        case warning
        /// Output objects, and lines of native programs.
        case output
    }

    /// Words and stream.
    package init(near: [String], stream: Stream) {
        self.near = near
        self.stream = stream
    }
}
