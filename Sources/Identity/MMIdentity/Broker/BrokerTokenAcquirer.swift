internal import CDBus
internal import Glibc
internal import MMCore
internal import MMSystem

/// Obtains the tokens of a connection that signs in through the identity broker of its machine. The broker keeps the
/// tokens; none of them is stored here.
struct BrokerTokenAcquirer: Sendable {
    let files: TokenFiles
    let environment: [String: String]
    let clock: WallClock
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions
    let deadline: Deadline

    /// Obtains the token without a person, or reports that a person is needed.
    func run() async throws(MMError) -> TokenAcquirer.Outcome {
        do throws(BrokerClient.Fault) {
            if let token = try await silent() { return .token(token) }
        } catch {
            guard case .needsPerson = error else { throw mmError(error) }
        }
        guard options.interaction == .allowed else { throw Self.signInNeeded(target.connection, resource) }
        return .window(claims: options.claims)
    }

    private func silent() async throws(BrokerClient.Fault) -> AccessToken? {
        let client = try client()
        guard options.renewal == .no, let account = try known(among: try await client.accounts()) else { return nil }
        let answer = try await client.silent(
            account, resource, claims: options.claims, refused: options.refusedToken, deadline: deadline)
        return try await checked(answer)
    }

    /// Lets the person sign in at the broker's window.
    func signIn(claims: String?, choosesAccount: Bool) async throws(MMError) -> AccessToken {
        do throws(BrokerClient.Fault) {
            let client = try client()
            let account = try known(among: try await client.accounts())
            let answer = try await client.interactive(
                account, resource, claims: claims, choosesAccount: choosesAccount, deadline: deadline)
            return try await checked(answer)
        } catch {
            throw mmError(error)
        }
    }

    /// Returns the connection's account as the broker knows it; `nil` where a person has to sign in first.
    func account() async throws(MMError) -> SignedInAccount? {
        do throws(BrokerClient.Fault) {
            guard let found = try known(among: try await client().accounts()) else { return nil }
            return Self.account(found)
        } catch {
            throw mmError(error)
        }
    }

    // MARK: Parts

    private func client() throws(BrokerClient.Fault) -> BrokerClient {
        try BrokerClient(target, clock: clock, environment: environment)
    }

    /// Returns the broker's account that matches the connection. Its identity is verified later, from the token.
    private func known(among accounts: [JSONObject]) throws(BrokerClient.Fault) -> JSONObject? {
        let pin: AccountPin?
        do throws(MMError) { pin = try files.pin(of: target) } catch { throw .other(error) }
        let fitting = accounts.filter { fits(Self.account($0), pin) }
        guard fitting.count > 1 else { return fitting.first }
        let names = fitting.map { Self.account($0).username }
        throw .other(
            MMError(
                .conflict,
                "The identity broker of this machine knows several accounts for \(target.connection): "
                    + names.joined(separator: ", ") + ".",
                hint: "Choose one: mm connections edit \(ShellWord.quoted(target.connection)) expectedEmail=NAME.",
                details: [
                    "connection": .string(target.connection), "accounts": .array(names.map { .string($0) }),
                ]))
    }

    private func fits(_ account: SignedInAccount, _ pin: AccountPin?) -> Bool {
        if let wanted = target.homeAccountID { return wanted == account.homeAccountID.lowercased() }
        if let wanted = target.expectedEmail { return SignedInAccount.sameName(wanted, account.username) }
        guard let pin else { return true }
        // The pin of a guest may hold other ids than those of the guest's home tenant, so the name counts too.
        return pin.covers(account) || pin.username.map { SignedInAccount.sameName($0, account.username) } ?? false
    }

    private static func account(_ entry: JSONObject) -> SignedInAccount {
        SignedInAccount(
            username: entry["username"]?.string ?? "", objectID: entry["localAccountId"]?.string ?? "",
            tenantID: entry["realm"]?.string ?? "", homeAccountID: entry["homeAccountId"]?.string ?? "")
    }

    private func checked(_ answer: TokenAnswer) async throws(BrokerClient.Fault) -> AccessToken {
        HeldSecrets.shared.hold(answer.accessToken)
        do throws(MMError) {
            let check = IdentityCheck(target: target, pin: try files.pin(of: target))
            let account = try check.account(of: answer, now: clock.now)
            try await files.pin(target, account, now: clock.now)
            return AccessToken(
                secret: answer.accessToken,
                expiresAt: Timestamp(seconds: clock.now.seconds + Int64(answer.expiresIn)), resource: resource,
                connection: target.connection, account: account)
        } catch {
            throw .other(error)
        }
    }

    // MARK: Errors

    /// Returns the error of a call that can't show the broker's window.
    static func signInNeeded(_ connection: String, _ resource: ServiceResource) -> MMError {
        MMError(
            .signInNeeded, "Sign-in needed for \(connection), in the window of this machine's identity broker.",
            hint:
                "In a terminal of the desktop session: mm login \(ShellWord.quoted(connection)). Then repeat the call.",
            details: ["connection": .string(connection), "resource": .string(resource.name)])
    }

    private func mmError(_ fault: BrokerClient.Fault) -> MMError {
        let (connection, quoted) = (target.connection, ShellWord.quoted(target.connection))
        let details: JSONObject = ["connection": .string(connection), "resource": .string(resource.name)]
        switch fault {
        case .other(let error): return error
        case .needsPerson: return Self.signInNeeded(connection, resource)
        case .refused(let error):
            return error.mmError(for: "Signing in to \(connection)", connection: connection, by: .broker)
        case .missing(let reason):
            return MMError(
                .unavailable,
                "\(connection) signs in through the identity broker of this machine, but \(reason).",
                hint:
                    "Install microsoft-identity-broker (part of the Intune company portal) and run mm within the desktop "
                    + "session; restart the pool there, because it keeps the variables of its start. Or sign in another way: mm connections "
                    + "edit \(quoted) auth=browser (or auth=device), then mm login \(quoted).", details: details)
        case .declined:
            return MMError(
                .forbidden, "The window of the identity broker was closed before \(connection) was signed in.",
                hint: "Try again: mm login \(quoted).", details: details)
        case .unreachable(let reason):
            return MMError(
                .unavailable, "The identity broker can't reach the sign-in service for \(connection): \(reason).",
                hint: "Check the network, then try again.", retry: .after(.seconds(5)), details: details)
        case .cancelled: return MMError(.cancelled, "The sign-in of \(connection) was cancelled.")
        case .failed(let reason):
            return MMError(
                .remoteFailed, "The identity broker returned no token for \(connection): \(reason).",
                hint:
                    "Try again: mm login \(quoted). If the problem persists: systemctl --user restart microsoft-identity-broker, or "
                    + "another way: mm connections edit \(quoted) auth=browser.", details: details)
        }
    }
}

/// Speaks with the identity broker of a Linux machine (`com.microsoft.identity.broker1`): the service that holds the
/// sign-in of a managed device and gives tokens that prove the device.
struct BrokerClient: Sendable {
    /// The reason why a request to the broker ended without a token.
    enum Fault: Error, Sendable {
        /// There is no broker, or no bus: the reason as a sentence.
        case missing(String)
        /// A person must sign in at the broker's window.
        case needsPerson
        /// The person closed the window.
        case declined
        /// The sign-in service refused, as reported by the broker.
        case refused(EntraError)
        /// The broker couldn't reach the sign-in service.
        case unreachable(String)
        /// The caller's task was cancelled.
        case cancelled
        /// Anything else that went wrong with the broker.
        case failed(String)
        /// An error of this program.
        case other(MMError)
    }

    private let bus: SessionBus
    private let target: SignInTarget
    private let clock: WallClock
    private let correlationID = RandomBytes.uuid()

    private static let service = "com.microsoft.identity.broker1"
    /// The only version of the protocol so far.
    private static let version = "0.0"
    /// The maximum time for calls that need no person.
    private static let patience = Duration.seconds(60)

    /// Finds the broker's bus.
    /// - Throws: `.missing` without one.
    init(_ target: SignInTarget, clock: WallClock, environment: [String: String]) throws(Fault) {
        guard let bus = SessionBus(environment: environment) else {
            throw .missing(
                "this session has no message bus (DBUS_SESSION_BUS_ADDRESS and XDG_RUNTIME_DIR are not set)")
        }
        self.bus = bus
        self.target = target
        self.clock = clock
    }

    /// Returns the accounts that the broker knows.
    func accounts() async throws(Fault) -> [JSONObject] {
        let answer = try await call(
            "getAccounts", ["clientId": .string(target.clientID), "redirectUri": .string(redirectURI)], Self.patience)
        return answer["accounts"]?.array?.compactMap(\.object) ?? []
    }

    /// Returns a token for an account without a person.
    /// - Parameter refused: a token that a service has refused, so that the broker gets another one.
    func silent(
        _ account: JSONObject, _ resource: ServiceResource, claims: String?, refused: Secret?, deadline: Deadline
    ) async throws(Fault) -> TokenAnswer {
        var parameters = parameters(resource, claims: claims, kind: .cached)
        parameters["account"] = .object(account)
        parameters["username"] = account["username"] ?? ""
        if let refused { parameters["accessTokenToRenew"] = .string(refused.reveal()) }
        return try await token("acquireTokenSilently", parameters, resource, min(Self.patience, deadline.remaining))
    }

    /// Shows the broker's window and waits for the person.
    func interactive(
        _ account: JSONObject?, _ resource: ServiceResource, claims: String?, choosesAccount: Bool, deadline: Deadline
    ) async throws(Fault) -> TokenAnswer {
        var parameters = parameters(resource, claims: claims, kind: .interactive)
        if let account, !choosesAccount {
            parameters["account"] = .object(account)
            parameters["username"] = account["username"] ?? ""
        } else if let name = target.expectedEmail {
            parameters["username"] = .string(name)
        }
        if choosesAccount { parameters["prompt"] = "select_account" }
        return try await token("acquireTokenInteractively", parameters, resource, deadline.remaining)
    }

    // MARK: Requests

    /// The way in which the broker obtains a token.
    private enum Kind: Int64 {
        case cached = 1
        case interactive = 6
    }

    /// The address that apps register for the broker.
    private var redirectURI: String { "ms-appx-web://Microsoft.AAD.BrokerPlugin/\(target.clientID)" }

    private func parameters(_ resource: ServiceResource, claims: String?, kind: Kind) -> JSONObject {
        var parameters: JSONObject = [
            "authority": .string(target.authority.base), "authorizationType": .int(kind.rawValue),
            "clientId": .string(target.clientID), "redirectUri": .string(redirectURI),
            "requestedScopes": [.string(target.authority.cloud.defaultScope(of: resource) ?? "")],
            "additionalQueryParametersForAuthorization": [:], "uxContextHandle": -1,
        ]
        if let claims { parameters["decodedClaims"] = .string(claims) }
        return parameters
    }

    private func token(
        _ method: String, _ parameters: JSONObject, _ resource: ServiceResource, _ limit: Duration
    ) async throws(Fault) -> TokenAnswer {
        let answer = try await call(method, ["authParameters": .object(parameters)], limit)
        // Older brokers answer without the outer object.
        let given = answer["brokerTokenResponse"]?.object ?? answer
        if let error = given["error"] ?? answer["error"], !error.isNull { throw BrokerRefusal(error).fault }
        var fields: JSONObject = ["token_type": "Bearer"]
        fields["access_token"] = given["accessToken"]
        fields["id_token"] = given["idToken"]
        fields["client_info"] = given["clientInfo"] ?? given["account"]?["clientInfo"]
        fields["scope"] = given["grantedScopes"]
        // Milliseconds since 1970, as a number or a text.
        let end = given["expiresOn"].flatMap { $0.int.map(Int64.init) ?? $0.string.flatMap { Int64($0) } }
        if let end { fields["expires_in"] = .int(max(0, end / 1000 - clock.now.seconds)) }
        do throws(MMError) {
            return try TokenAnswer(
                JSONWriter.bytes(.object(fields)),
                requested: [target.authority.cloud.defaultScope(of: resource) ?? ""])
        } catch {
            throw .failed("its answer can't be used: \(error.message)")
        }
    }

    private func call(_ method: String, _ request: JSONObject, _ limit: Duration) async throws(Fault) -> JSONObject {
        let place = SessionBus.Method(
            service: Self.service, path: "/com/microsoft/identity/broker1",
            interface: "com.microsoft.identity.Broker1", name: method)
        let text: String
        do {
            text = try await bus.call(
                place, [Self.version, correlationID, JSONWriter.string(.object(request))], within: limit)
        } catch {
            if error.name == "mm.stopped" { throw .cancelled }
            if error.isMissingService {
                throw .missing("none is installed or running (\(error.text))")
            }
            if error.name.isEmpty || error.name == "mm.library" {
                throw .missing("its bus can't be reached (\(error.text))")
            }
            throw .failed("\(error.text) (\(error.name))")
        }
        guard let object = (try? JSONParser.parse(text, limits: JSONLimits(bytes: 4 << 20, depth: 32)))?.object else {
            throw .failed("its answer is not a JSON object")
        }
        return object
    }
}

/// The error of a broker's answer: a status, and a text that may name the sign-in service's own number (AADSTS…).
struct BrokerRefusal: Sendable {
    private let status: String
    private let context: String

    /// Reads the error, which is an object or a text.
    init(_ value: JSONValue) {
        let object = value.object ?? [:]
        let status = object["status"] ?? object["errorCode"]
        self.status = (status?.string ?? status?.int.map(String.init) ?? "").filter(\.isASCII).lowercased()
        let texts = [object["context"], object["message"], object["description"]].compactMap { $0?.string }
        context = value.string ?? texts.joined(separator: " ")
    }

    /// The fault that the error stands for.
    var fault: BrokerClient.Fault {
        // The sign-in service's own number says more than the broker's status.
        let told = EntraError(error: "invalid_grant", description: context)
        guard told.codes.isEmpty else { return told.action.loss == .nothing ? .refused(told) : .needsPerson }
        // By number and by name, as versions of the broker differ (MSAL's response status).
        switch status {
        case "2", "interactionrequired", "16", "accountnotfound", "13", "accountunusable": return .needsPerson
        case "7", "usercanceled", "8", "applicationcanceled": return .declined
        case "3", "nonetwork", "4", "networktemporarilyunavailable", "5", "servertemporarilyunavailable", "17",
            "transienterror":
            return .unreachable(context.isEmpty ? "it has no network" : String(context.prefix(300)))
        default: return .failed(context.isEmpty ? "its status is \(status.prefix(40))" : String(context.prefix(300)))
        }
    }
}

/// The message bus of the user's session (D-Bus), which connects the services of a desktop.
struct SessionBus: Sendable {
    /// The reason why a call failed.
    struct Fault: Error, Sendable {
        /// The bus's own name of the error, such as `org.freedesktop.DBus.Error.ServiceUnknown`; may be empty.
        let name: String
        let text: String

        /// Whether the service is neither running on this bus nor can be started.
        var isMissingService: Bool {
            name.hasPrefix("org.freedesktop.DBus.Error.Spawn")
                || [
                    "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
                    "org.freedesktop.DBus.Error.UnknownObject", "org.freedesktop.DBus.Error.UnknownInterface",
                ].contains(name)
        }

        init(_ fault: mm_bus_fault) {
            name = withUnsafeBytes(of: fault.name) { Self.text($0) }
            text = withUnsafeBytes(of: fault.text) { Self.text($0) }
        }

        fileprivate init(name: String, text: String) {
            self.name = name
            self.text = text
        }

        private static func text(_ bytes: UnsafeRawBufferPointer) -> String {
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A connection that is used by one thread; any thread may end its wait.
    final class Connection: @unchecked Sendable {
        // `@unchecked Sendable`: `raw` never changes, one thread at a time calls with it, and `mm_bus_stop` only sets
        // an atomic flag.
        let raw: UnsafeMutableRawPointer

        init(_ address: String) throws(Fault) {
            var fault = mm_bus_fault()
            guard let raw = mm_bus_open(address, &fault) else { throw Fault(fault) }
            self.raw = raw
        }

        deinit { mm_bus_close(raw) }
    }

    /// The address of the bus.
    let address: String

    /// Finds the bus that an environment names.
    /// - Returns: `nil` for a session without one.
    init?(environment: [String: String]) {
        if let named = environment["DBUS_SESSION_BUS_ADDRESS"], !named.isEmpty {
            address = named
            return
        }
        guard let folder = environment["XDG_RUNTIME_DIR"], folder.hasPrefix("/"), access(folder + "/bus", F_OK) == 0
        else { return nil }
        address = "unix:path=\(folder)/bus"
    }

    /// A method of an object on the bus.
    struct Method: Sendable {
        let service: String
        let path: String
        let interface: String
        let name: String
    }

    /// Calls a method that takes texts and answers with one. Cancelling the task ends the wait.
    func call(_ method: Method, _ texts: [String], within limit: Duration) async throws(Fault) -> String {
        let connection = try Connection(address)
        let outcome = OneShot<Result<String, Fault>>()
        let wait = Self.milliseconds(limit)
        do {
            // A person may take minutes, so the call gets a dedicated thread.
            try DedicatedThread.start("mm-bus") {
                outcome.resolve(Self.answer(connection, method, texts, wait))
            }
        } catch {
            throw Fault(name: "", text: error.message)
        }
        let result = await withTaskCancellationHandler {
            await outcome.wait()
        } onCancel: {
            mm_bus_stop(connection.raw)
        }
        return try result.get()
    }

    private static func answer(
        _ connection: Connection, _ method: Method, _ texts: [String], _ wait: Int64
    ) -> Result<String, Fault> {
        var fault = mm_bus_fault()
        let copies = texts.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        let words: [UnsafePointer<CChar>?] = copies.map { $0.map { UnsafePointer($0) } }
        guard
            let answer = mm_bus_call(
                connection.raw, method.service, method.path, method.interface, method.name, words,
                Int32(words.count), wait, &fault)
        else { return .failure(Fault(fault)) }
        defer { free(answer) }
        return .success(String(cString: answer))
    }

    private static func milliseconds(_ limit: Duration) -> Int64 {
        min(max(limit, .milliseconds(1)), .seconds(86_400)).milliseconds
    }
}
