internal import MMCore
package import PowerShellSyntax

/// The permissions that a script's sign-ins have requested so far; copies of a source share it.
private final class AskedScopes: Sendable {
    let names = Mutex<[String]>([])
}

/// The cmdlets with which a script signs in and manages its modules, for a session that is already signed in: they
/// answer as after a sign-in, and refuse other accounts.
package struct SignInSource: CmdletSource {
    /// The rule that decides which accounts and modules are this connection's own.
    package let signIn: OwnSignIn
    /// The session's short name, such as `exo`; its module's cmdlets are loaded.
    package let module: String
    /// Whether it also answers who is signed in, in place of the session's module.
    private let tellsState: Bool
    /// The Microsoft Graph permissions of the sign-in; `nil` if they aren't known.
    private let granted: [String]?
    /// The permissions that the script requested and that are covered by other permissions of the sign-in.
    private let asked = AskedScopes()

    /// Creates a source for one session.
    /// - Parameters:
    ///   - signIn: the rule that decides which accounts and modules are this connection's own.
    ///   - module: the session's short name.
    ///   - tellsState: whether it answers who is signed in, in place of the session's module; for other modules it
    ///     always does.
    ///   - granted: the Microsoft Graph permissions of the sign-in.
    package init(_ signIn: OwnSignIn, module: String, tellsState: Bool = true, granted: [String]? = nil) {
        self.signIn = signIn
        self.module = module
        self.tellsState = tellsState
        self.granted = granted
    }

    package func knows(_ name: String) -> Bool {
        guard let cmdlet = SignInCmdlet.named(name) else { return false }
        let isState = cmdlet.act == .context || cmdlet.act == .information
        return !isState || tellsState || cmdlet.module != module
    }

    /// The parameters, beside those that say who signs in, for which scripts ask before they sign in.
    private static let others: [String: [String]] = [
        "Connect-MgGraph": [
            "ContextScope", "Environment", "ClientTimeout", "NoWelcome", "UseDeviceAuthentication", "UseDeviceCode",
            "SendCertificateChain",
        ],
        "Connect-ExchangeOnline": [
            "ConnectionUri", "AzureADAuthorizationEndpointUri", "ExchangeEnvironmentName", "PSSessionOption",
            "BypassMailboxAnchoring", "ShowBanner", "CommandName", "FormatTypeName", "PageSize", "UseMultithreading",
            "ShowProgress", "SkipLoadingFormatData", "SkipLoadingCmdletHelp", "LoadCmdletHelp", "DisableWAM",
            "InlineCredential", "Device", "EnableErrorReporting", "LogDirectoryPath", "LogLevel", "TrackPerformance",
            "UserPrincipalName", "SigningCertificate", "EnableSearchOnlySession",
        ],
    ]

    package func parameters(of cmdlet: String) -> [String]? {
        guard let known = SignInCmdlet.named(cmdlet), let others = Self.others[known.name] else { return nil }
        // The roles have their names in lower case.
        return others + known.roles.keys.filter { name in !others.contains { $0.lowercased() == name } }.sorted()
    }

    package func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? {
        guard let cmdlet = SignInCmdlet.named(call.name) else { throw .handedOver(call.name) }
        // The modules that the cmdlets here list can all be told to go, and stay.
        guard !call.takesInput || cmdlet.act == .remove else {
            throw .handedOver("objects that are piped into \(call.name)")
        }
        let read = Self.call(cmdlet, call)
        switch signIn.read(read) {
        case .own, .open: break
        case .foreign where Self.isOfEngine(read): break
        case .foreign:
            // A script that ignores the error can continue without the module.
            if [.load, .remove].contains(cmdlet.act), Self.takesErrors(call) { return CmdletBatch([]) }
            let names = (read.texts(.name) ?? []).compactMap { $0.split { "/\\".contains($0) }.last }
            let named = names.isEmpty ? "what" : names.joined(separator: ", ") + ", which"
            throw .handedOver("\(call.name) of \(named) isn't known here")
        case .other(let refusal):
            let error = NativeError("OwnSignIn,\(cmdlet.name)", refusal.message, command: cmdlet.name)
            throw .interrupted(PipelineStop(endingWith: error))
        }
        var batch = CmdletBatch(objects(of: read, isInstalled: Self.isFlagged("listavailable", in: read)))
        if cmdlet.act == .connect, let granted {
            // Many scripts write all scopes as one text.
            let wanted = (read.texts(.scopes) ?? []).flatMap { written in
                written.split { $0 == "," || $0.isWhitespace }.map(String.init)
            }
            let lacking = OwnSignIn.lacking(wanted, of: granted)
            asked.names.withLock { names in
                for name in wanted where !lacking.contains(name) && !(granted + names).contains(name) {
                    names.append(name)
                }
            }
            if !lacking.isEmpty { batch.warnings = [OwnSignIn.warning(lacking, of: signIn.own.connection)] }
        }
        return batch
    }

    package func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        throw .handedOver(call.name)
    }

    /// Returns whether a call loads or installs only modules whose cmdlets are here anyway.
    private static func isOfEngine(_ call: OwnSignIn.Call) -> Bool {
        guard [.load, .install].contains(call.cmdlet.act), call.values(.other).isEmpty, let names = call.texts(.name),
            !names.isEmpty
        else {
            return false
        }
        return names.allSatisfy { KnownPackages.isPresent($0, natively: true) }
    }

    /// Returns what a module is listed as; `nil` for an unknown one.
    private static func shown(_ name: String) -> (name: String, version: String)? {
        KnownPackages.ofEngine(name) ?? KnownPackages.shown(name)
    }

    /// Returns whether a call suppresses its errors.
    private static func takesErrors(_ call: CmdletCall) -> Bool {
        for (place, argument) in call.arguments.enumerated() {
            guard case .parameter(let name, let tied, _) = argument, ["erroraction", "ea"].contains(name.lowercased())
            else { continue }
            var given = tied
            if given == nil, place + 1 < call.arguments.count, case .value(let value, _) = call.arguments[place + 1] {
                given = value
            }
            return ["silentlycontinue", "ignore"].contains(ErrorAction.word(given?.text ?? ""))
        }
        return false
    }

    // MARK: Arguments

    private static func call(_ cmdlet: SignInCmdlet, _ call: CmdletCall) -> OwnSignIn.Call {
        var read = OwnSignIn.Call(cmdlet, name: call.name, arguments: [])
        for argument in call.arguments {
            switch argument {
            case .parameter(let name, let value, _):
                read.add(name, value.map(Self.value) ?? .flag(true), isTied: value != nil)
            case .value(let value, _): read.add(Self.value(value))
            }
        }
        return read
    }

    private static func value(_ value: PSValue) -> OwnSignIn.Value {
        switch value.plain {
        case .null, .nothing: return .nothing
        case .bool(let flag): return .flag(flag)
        case .string(let text), .guid(let text): return .texts([text])
        case .int(let number): return .texts([String(number)])
        case .array(let items):
            var texts: [String] = []
            for item in items {
                guard case .texts(let more) = Self.value(item) else { return .unknown }
                texts += more
            }
            return .texts(texts)
        default: return .unknown
        }
    }

    private static func isFlagged(_ name: String, in call: OwnSignIn.Call) -> Bool {
        call.arguments.contains { argument in
            guard let written = argument.name?.lowercased(), !written.isEmpty else { return false }
            return name.hasPrefix(written) && argument.value != .flag(false)
        }
    }

    // MARK: Output of the cmdlets

    private func objects(of call: OwnSignIn.Call, isInstalled: Bool) -> [PSValue] {
        let names = call.texts(.name) ?? []
        switch call.cmdlet.act {
        case .context: return [context]
        case .disconnect where call.cmdlet.name == "Disconnect-MgGraph": return [context]
        case .information: return [information]
        case .connect where call.cmdlet.name == "Connect-MicrosoftTeams": return [teamsConnection]
        case .list:
            if names.isEmpty { return [Self.ownPackage(module)].compactMap(\.self).compactMap(Self.module) }
            return names.filter {
                isInstalled || KnownPackages.session(of: $0) == module || KnownPackages.ofEngine($0) != nil
            }.compactMap(Self.shown).compactMap(Self.module)
        case .listInstalled, .find:
            return names.compactMap(Self.shown).compactMap { name, version in
                Self.object([
                    ("Version", .string(version)), ("Name", .string(name)), ("Repository", .string("PSGallery")),
                    ("Description", .null),
                ])
            }
        case .load where Self.isFlagged("passthru", in: call):
            return names.compactMap(Self.shown).compactMap(Self.module)
        case .prepare where call.name.lowercased().hasPrefix("get-"):
            return (names.isEmpty ? ["PSGallery"] : names).compactMap {
                Self.object([
                    ("Name", .string($0)), ("InstallationPolicy", .string("Trusted")),
                    ("Version", .string("2.8.5.208")),
                ])
            }
        default: return []
        }
    }

    private static func ownPackage(_ module: String) -> (name: String, version: String)? {
        let names = [
            "exo": "ExchangeOnlineManagement", "compliance": "ExchangeOnlineManagement",
            "graph": "Microsoft.Graph.Authentication", "azure": "Az.Accounts", "teams": "MicrosoftTeams",
            "pnp": "PnP.PowerShell",
        ]
        return names[module].flatMap(KnownPackages.shown)
    }

    private static func module(_ shown: (name: String, version: String)) -> PSValue? {
        let numbers = shown.version.split(separator: ".").compactMap { Int32($0) }
        return object([
            ("Name", .string(shown.name)), ("Version", .version(numbers)), ("ModuleType", .string("Script")),
            ("Path", .null), ("ExportedCommands", .null),
        ])
    }

    /// The output of `Get-MgContext`.
    private var context: PSValue {
        let own = signIn.own
        return Self.object([
            ("ClientId", Self.text(own.apps.first)), ("TenantId", Self.text(own.tenantID)),
            ("Scopes", .array(((granted ?? []) + asked.names.withLock { $0 }).map { .string($0) })),
            ("AuthType", .string(own.isApp ? "AppOnly" : "Delegated")), ("Account", Self.text(own.accounts.first)),
            ("AppName", .null), ("ContextScope", .string("Process")), ("Environment", .string("Global")),
        ]) ?? .null
    }

    /// The output of `Connect-MicrosoftTeams`, by which scripts see whether it worked.
    private var teamsConnection: PSValue {
        let own = signIn.own
        return Self.object([
            ("Account", Self.text(own.isApp ? own.apps.first : own.accounts.first)),
            ("Environment", .string("AzureCloud")), ("Tenant", Self.text(own.tenantID)),
            ("TenantId", Self.text(own.tenantID)),
        ]) ?? .null
    }

    /// The output of `Get-ConnectionInformation`.
    private var information: PSValue {
        let own = signIn.own
        let compliance = module == "compliance"
        return Self.object([
            ("ConnectionId", .guid(Self.connectionID)), ("State", .string("Connected")), ("Id", .int(1)),
            ("Name", .string("ExchangeOnline_1")),
            ("UserPrincipalName", Self.text(own.isApp ? nil : own.accounts.first)),
            (
                "ConnectionUri",
                .string(compliance ? "https://ps.compliance.protection.outlook.com" : "https://outlook.office365.com")
            ),
            ("TokenStatus", .string("Active")), ("CertificateAuthentication", .bool(own.isApp)), ("ModuleName", .null),
            ("ModulePrefix", .null), ("Organization", Self.text(own.domain)), ("DelegatedOrganization", .null),
            ("AppId", Self.text(own.isApp ? own.apps.first : nil)), ("PageSize", .int(1000)),
            ("TenantID", Self.text(own.tenantID)), ("ConnectionUsedForInbuiltCmdlets", .bool(true)),
            ("IsEopSession", .bool(compliance)),
        ]) ?? .null
    }

    /// A session has exactly one connection, so its id is constant.
    private static let connectionID = "6a5d7a3e-52d2-4f4b-9a35-0f3c3b0e6d10"

    private static func object(_ pairs: [(String, PSValue)]) -> PSValue? { PSObject(pairs).map { .object($0) } }

    private static func text(_ text: String?) -> PSValue { text.map { .string($0) } ?? .null }
}
