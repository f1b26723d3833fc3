import Glibc
import MMCore
import MMPowerShell
import MMSystem

/// The sign-in by device code for the stand-in's modules: at the tenant's own sign-in service, or with the code and the
/// account from the stand-in's options.
enum StandInSignIn {
    /// Shows a code and waits for the person.
    /// - Returns: the signed-in account, or the end of the command.
    static func run(
        _ module: StandInModule, _ call: StandInCall, _ host: StandInHost
    ) -> Result<StandInAccount, StandInRefusal> {
        guard let code = module.code else {
            return .failure(StandInRefusal("\(module.name) has no sign-in by code.", id: "NoDeviceCode"))
        }
        let way = host.options.promptWay ?? code.way
        guard let tenant = host.tenant else { return alone(code, way, host) }
        guard let app = call.argument("AppId") ?? code.app else {
            return .failure(StandInRefusal("The sign-in needs an app registration: give -ClientId.", id: "NoClientId"))
        }
        let name = code.authority ?? call.argument("Tenant") ?? "organizations"
        let asked = call.named["scopes"]?.array?.compactMap(\.string) ?? []
        let scope = asked.isEmpty ? code.scope : asked.joined(separator: " ")
        let codes = Mailbox<(code: String, page: String)>()
        let environment = host.environment
        let answer = host.result(every: 20) {
            await Result { () async throws(MMError) in
                try await tenant.signIn(app: app, tenant: name, scope: scope) { (shown, page) throws(MMError) in
                    codes.put((shown, page))
                    try take(code.beforePolling, environment)
                }
            }
        } meanwhile: {
            for shown in codes.take() { StandInPrompt.show(way, code: shown.code, page: shown.page, host) }
        }
        switch answer {
        case .success(let tokens):
            let own = StandInOwnSignIn(tenant, app: app, authority: name, scope: scope, tokens)
            return .success(StandInAccount(claims: TokenClaims(reading: tokens.access), own: own))
        case .failure(let error) where error.code == .cancelled:
            return .failure(StandInRefusal(end: CommandEnd(.stopped)))
        case .failure(let error):
            return .failure(StandInRefusal(error.message, id: error.details["error"]?.string ?? "SignInFailed"))
        }
    }

    /// Signs in with the identity of the machine.
    /// - Returns: nil if the machine has none.
    static func identity(_ module: StandInModule, _ host: StandInHost) throws(StandInRefusal) -> StandInAccount? {
        guard let tenant = host.tenant, let audience = module.code?.audience else { return nil }
        let answer = host.result(every: 5) {
            await Result { () async throws(MMError) in try await tenant.machineToken(for: audience) }
        }
        switch answer {
        case .success(let token?):
            let own = StandInOwnSignIn(ofMachine: tenant, scope: "\(audience)/.default", token)
            return StandInAccount(claims: TokenClaims(reading: token), own: own)
        case .success(nil): return nil
        case .failure(let error) where error.code == .cancelled: throw StandInRefusal(end: CommandEnd(.stopped))
        case .failure(let error):
            throw StandInRefusal(
                "ManagedIdentityCredential authentication failed: \(error.message)", id: "ManagedIdentityFailed")
        }
    }

    /// Signs in for a stand-in without a tenant.
    private static func alone(
        _ code: StandInDeviceCode, _ way: StandInOptions.PromptWay, _ host: StandInHost
    ) -> Result<StandInAccount, StandInRefusal> {
        let options = host.options
        StandInPrompt.show(way, code: "FXK3T9QMB", host)
        do throws(MMError) { try take(code.beforePolling, host.environment) } catch {
            return .failure(StandInRefusal(error.message, id: "SignInFailed"))
        }
        guard isApproved(options, host) else { return .failure(StandInRefusal(end: CommandEnd(.stopped))) }
        if options.declines {
            let text = "AADSTS65004: User declined to consent to access the app."
            return .failure(StandInRefusal(text, id: "authorization_declined"))
        }
        return .success(StandInAccount(claims: options.claims))
    }

    /// Takes the steps between a code and the first poll. An error of a step ends the sign-in, as in the library that
    /// the modules use.
    private static func take(
        _ steps: [StandInDeviceCode.Step], _ environment: [String: String]
    ) throws(MMError) {
        for step in steps {
            switch step {
            case .clipboard:
                guard ExecutableSearch.find("xsel", in: environment) != nil else {
                    throw MMError(
                        .remoteFailed,
                        "Could not execute process. Command line: bash -c \"cat /tmp/code | xsel -i --clipboard\". "
                            + "Output: xsel: command not found")
                }
            case .listen: try listen()
            }
        }
    }

    /// Listens on a port of this machine for a moment.
    private static func listen() throws(MMError) {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isBound = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard socket >= 0, isBound, Glibc.listen(socket, 1) == 0 else {
            throw MMError(.remoteFailed, String(cString: strerror(errno)))
        }
    }

    /// Waits for the person; returns `false` when the command was stopped.
    private static func isApproved(_ options: StandInOptions, _ host: StandInHost) -> Bool {
        guard let file = options.approveWhen else { return host.wait(milliseconds: options.approveAfter) }
        while access(file, F_OK) != 0 {
            guard host.wait(milliseconds: 10) else { return false }
        }
        return true
    }
}

/// An account that is signed in to a module of the stand-in.
struct StandInAccount: Sendable {
    /// The account's claims.
    var claims: TokenClaims
    /// The tokens that the module was given, by use.
    var given: [Use: Secret] = [:]
    /// The sign-in that the module performed itself; `nil` if it was given tokens.
    var own: StandInOwnSignIn?

    /// The use of a token.
    enum Use: Sendable {
        /// The service of most of its cmdlets.
        case main
        /// The administration of Teams.
        case administration
        /// The content of vaults.
        case vault

        /// The scope that a module requests for it.
        fileprivate var scope: String? {
            switch self {
            case .main: nil
            case .administration: "\(TokenResource.teamsAudience)/.default"
            case .vault: "https://vault.azure.net/.default"
            }
        }
    }

    /// The token that the service of most of its cmdlets accepts; `nil` without a tenant.
    var token: Secret? { given[.main] ?? own?.main }

    /// Returns whether the account has a token for a use, or can get one.
    func has(_ use: Use) -> Bool { given[use] != nil || own != nil }

    /// Sends a request with a token, and once more with a new one if the service demands claims and the module signed
    /// in by itself.
    /// - Throws: the service's error, or the sign-in service's.
    func sending<Value: Sendable>(
        for use: Use = .main, _ work: @Sendable (Secret) async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        if let token = given[use] { return try await work(token) }
        guard let own else { throw MMError(.remoteFailed, "There is no token for it.") }
        do throws(MMError) {
            return try await work(try await own.token(for: use.scope))
        } catch {
            guard let claims = error.details["claims"]?.string else { throw error }
            return try await work(try await own.token(for: use.scope, claims: claims))
        }
    }

    /// The permissions in its token; `nil` if there is none to read.
    var scopes: [String]? {
        guard let token else { return nil }
        let parts = token.reveal().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = Base64.bytes(String(parts[1]), alphabet: .url),
            let payload = try? JSONParser.parse(bytes), let scopes = payload["scp"]?.string
        else { return nil }
        return scopes.split(separator: " ").map(String.init)
    }
}

/// The state of a module's own sign-in. Like the library that the vendors use, it gets tokens for further services by
/// itself, and a new one if a service demands claims.
final class StandInOwnSignIn: Sendable {
    private struct State {
        var refresh: Secret?
        var tokens: [String: Secret]
    }

    /// The way to get another token.
    private enum Way: Sendable {
        case refresh(app: String, authority: String)
        case machine
    }

    private let tenant: any StandInTenant
    private let way: Way
    private let scope: String
    private let state: Mutex<State>

    /// Creates the sign-in of a person.
    /// - Parameter scope: the scope of the first token.
    init(_ tenant: any StandInTenant, app: String, authority: String, scope: String, _ first: StandInTokens) {
        (self.tenant, self.scope) = (tenant, scope)
        way = .refresh(app: app, authority: authority)
        state = Mutex(State(refresh: first.refresh, tokens: [scope: first.access]))
    }

    /// Creates the sign-in of the machine's identity, which supplies a token for each service.
    init(ofMachine tenant: any StandInTenant, scope: String, _ first: Secret) {
        (self.tenant, self.scope, way) = (tenant, scope, .machine)
        state = Mutex(State(refresh: nil, tokens: [scope: first]))
    }

    /// The token of the first scope.
    var main: Secret? { state.withLock { $0.tokens[scope] } }

    /// Returns the token for a scope; `nil` stands for the scope of the sign-in.
    /// - Parameter claims: the claims that a service demands of a new token.
    func token(for scope: String?, claims: String? = nil) async throws(MMError) -> Secret {
        let scope = scope ?? self.scope
        let (known, refresh) = state.withLock { ($0.tokens[scope], $0.refresh) }
        if claims == nil, let known { return known }
        let ended = MMError(.remoteFailed, "Unable to acquire token: sign in again.")
        let fresh: StandInTokens
        switch way {
        case .machine:
            let audience = scope.hasSuffix("/.default") ? String(scope.dropLast("/.default".count)) : scope
            guard let token = try await tenant.machineToken(for: audience) else { throw ended }
            fresh = StandInTokens(access: token, refresh: nil)
        case .refresh(let app, let authority):
            guard let refresh else { throw ended }
            fresh = try await tenant.renew(refresh, app: app, tenant: authority, scope: scope, claims: claims)
        }
        state.withLock { state in
            state.tokens[scope] = fresh.access
            state.refresh = fresh.refresh ?? state.refresh
        }
        return fresh.access
    }
}

/// The end of a cmdlet that can't run.
struct StandInRefusal: Error {
    let end: CommandEnd

    init(end: CommandEnd) { self.end = end }

    init(_ message: String, id: String) {
        end = CommandEnd(.failed, failure: CommandFailure(message: message, id: id, line: 1, column: 1))
    }

    /// The same error as PowerShell reports it with `-ErrorAction Stop`.
    var final: StandInRefusal {
        guard let failure = end.failure else { return self }
        let preface =
            "The running command stopped because the preference variable \"ErrorActionPreference\" or common parameter is "
            + "set to Stop: "
        return StandInRefusal(
            end: CommandEnd(
                .failed,
                failure: CommandFailure(
                    message: preface + failure.message,
                    type: "System.Management.Automation.ActionPreferenceStopException", id: failure.id,
                    line: failure.line, column: failure.column)))
    }
}
