internal import MMCore

/// Obtains the tokens of a connection that signs in through the identity broker of its machine. They stay with the
/// broker: nothing of them is stored here.
struct BrokerTokenAcquirer: Sendable {
    let files: TokenFiles
    let environment: [String: String]
    let clock: WallClock
    let target: SignInTarget
    let resource: ServiceResource
    let options: TokenOptions
    let deadline: Deadline

    /// Obtains the token without a person, or says that one is needed.
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

    /// Has the person sign in at the broker's window.
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

    /// The account of the connection that the broker knows; `nil` where somebody has to sign in first.
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

    /// The account that the connection names; who it really is, the token's identity says.
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
        // A guest's ids at home are others than those that the pin names.
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

    /// The error of a call that can't show the broker's window.
    static func signInNeeded(_ connection: String, _ resource: ServiceResource) -> MMError {
        MMError(
            .signInNeeded, "Sign-in needed for \(connection), at the window of this machine's identity broker.",
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
                    "Install microsoft-identity-broker (Intune's company portal brings it) and run mm within the desktop "
                    + "session; a pool has the variables that it was started with. Or sign in another way: mm connections "
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
                .remoteFailed, "The identity broker gave no token for \(connection): \(reason).",
                hint:
                    "Try again: mm login \(quoted). If it stays: systemctl --user restart microsoft-identity-broker, or "
                    + "another way: mm connections edit \(quoted) auth=browser.", details: details)
        }
    }
}
