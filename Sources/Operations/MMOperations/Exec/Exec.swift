import MMCore
import MMEgress
import MMGuard
import MMIdentity
import MMShell
import MMSystem
import PowerShellSyntax

/// `exec`: runs any program with a connection's identity but without tokens, in the sandbox of a local shell, through a
/// proxy.
struct Exec: CatalogueOperation {
    typealias Input = ExecInput

    /// The module name for the requests of a program.
    static let module = "exec"

    let declaration = OperationDeclaration(
        "exec", command: ["exec"], title: "Run a program with a managed identity",
        summary:
            "Run a program with a connection's sign-in, as a managed identity. It never sees a token.",
        description:
            "Runs a local program (az, terraform, python, pwsh, a shell) confined. It finds a managed identity whose "
            + "tokens are placeholders; mm's proxy inserts the access tokens and judges each request: it sends reads and "
            + "holds back changes until a person approves them.",
        effects: .init(readOnly: false, destructive: true, openWorld: true), audience: .person,
        examples: [
            .init(
                "mm exec Contoso -- bash -c 'az login --identity && az group list'",
                "az, which signs in with each program"),
            .init("mm exec Contoso --read-only -- bash", "a shell whose programs can read but not change anything"),
            .init(
                "mm exec env: --allow write -- terraform apply",
                "in a CI job that sets AZURE_CLIENT_ID, AZURE_TENANT_ID and a credential"),
        ]
    ).startingProgram.plannable

    func run(
        _ input: ExecInput, in context: OperationContext, with services: ExecServices
    ) async throws(MMError) -> OperationAnswer {
        guard input.connection == EnvironmentConnection.name else {
            let connection = try services.guarding.registry.connection(named: input.connection, in: context)
            return try await lend(connection, to: input, in: context, with: services)
        }
        // A job's credential signs in anew each time, and its tokens don't outlive the program.
        return try await lend(
            EnvironmentConnection.make(services.environment), to: input, in: context, with: services.standingAlone())
    }

    /// Runs the program with the connection's identity.
    private func lend(
        _ connection: Connection, to input: ExecInput, in context: OperationContext, with services: ExecServices
    ) async throws(MMError) -> OperationAnswer {
        guard let seat = context.call.seat, context.call.backgroundAfter == nil else { throw Self.noSeat }
        let context = input.isReadOnly ? context.reading : context
        context.record.note("connection", .string(connection.name))
        context.record.note("module", .string(Self.module))
        // Its arguments may contain private data, so only its name is recorded.
        context.record.note("program", input.command.first.map { .string($0) } ?? .null)
        try Self.checkMachine()
        guard let listed = connection.egress.allowed else { throw Self.noWire(connection) }
        let directory = context.call.directory ?? services.paths.home
        let walls = try ExecWalls(
            input, directory: directory, path: ExecutableSearch.path(of: services.environment),
            with: services.shells)
        let planned = try planned(input, of: connection, in: context, with: services)
        if planned == nil { try await allow(input, in: directory, on: connection, in: context, with: services) }
        let bearer = SessionBearer(
            of: connection, services.identity, signedIn: context.call.caller.signedIn?.id)
        let account = try await account(
            bearer, ofJob: input.connection == EnvironmentConnection.name, in: context, with: services)
        try AppIdentityNeed.check(input.command, in: directory, for: account, of: connection)
        let journal = WireJournal(of: connection, services.requests, in: context)
        let turn = CallTurn(
            ofProgram: context, allowing: GuardClassSet(input.allowed), connection: connection, module: Self.module,
            person: context.call.person.map { SeatedPerson(person: $0, seat: seat) }, journal: journal,
            planned: planned, with: services.guarding)
        let wire = try await ExecWire.open(
            turn, for: bearer, as: account, allowing: listed + input.hosts,
            policy: services.guarding.policy(of: connection, in: context), with: services)
        let program: WalledProgram
        do throws(MMError) {
            let variables = try ExecEnvironment.variables(
                services.environment, handing: input.variables, wire.session.environment, of: connection,
                try services.identity.cloud(of: connection), account)
            program = try await start(input, walls, wire, variables, seat)
        } catch {
            _ = await wire.close()
            throw error
        }
        let exit = await attended(program, seat, until: context.deadline)
        await program.end()
        let traffic = await wire.close()
        if let planned { return try planned.end(code: exit?.code) }
        // A program that was ended by a signal hasn't failed by itself.
        let hasFailed = exit.map { (1..<128).contains($0.code) } ?? false
        let unreached = hasFailed && !wire.isReached ? [Self.unreached] : []
        return try answer(exit, traffic, walls.notes + journal.told + unreached, of: connection, in: context)
    }

    // MARK: Before

    /// Returns the plan that records the program's changes, if only a plan is requested.
    private func planned(
        _ input: ExecInput, of connection: Connection, in context: OperationContext, with services: ExecServices
    ) throws(MMError) -> PlannedProgram? {
        guard let recorder = context.call.planning else { return nil }
        guard input.connection != EnvironmentConnection.name else {
            throw MMError(
                .unsupported,
                "\(input.connection) is not a connection in the registry, which a plan needs: nothing was planned.",
                hint: "Use a connection that mm connections list shows.")
        }
        return PlannedProgram(recorder, of: connection, services.requests, module: Self.module, in: context)
    }

    private static func checkMachine() throws(MMError) {
        guard let problem = SandboxProfile.proxyProblem() else { return }
        throw MMError(
            .unsupported, "This machine can't restrict a program to mm's proxy: \(problem.message)",
            hint: "\(problem.hint ?? "") The program was not started.")
    }

    /// Asks a person to approve requests that pass without a question. A job's environment needs no approval, because
    /// whoever put the credential there could also use it without the sandbox.
    private func allow(
        _ input: ExecInput, in directory: String, on connection: Connection, in context: OperationContext,
        with services: ExecServices
    ) async throws(MMError) {
        guard !input.allowed.isEmpty, input.connection != EnvironmentConnection.name else { return }
        let policy = services.guarding.policy(of: connection, in: context)
        let line = input.command.map { ShellWord.quoted($0) }.joined(separator: " ")
        let request = ConfirmationRequest(
            on: connection, module: Self.module,
            title: "run a program and allow its \(input.allowed.map(\.rawValue).joined(separator: ", ")) requests",
            text: line, parameters: input.terms(in: directory),
            verdict: Verdict(allowing: input.allowed, policy: policy))
        try await Clearance(request).settle(in: context, with: services.guarding)
    }

    /// Returns the signed-in account; in a terminal it waits for the person's sign-in.
    private func account(
        _ bearer: SessionBearer, ofJob isOfJob: Bool, in context: OperationContext, with services: ExecServices
    ) async throws(MMError) -> SignedInAccount {
        try bearer.check()
        let deadline = min(context.deadline, .after(.seconds(60)))
        return try await services.identity.waitingForSignIn(to: bearer.connection, resource: .graph, in: context) {
            () async throws(MMError) in
            do throws(MMError) { return try await bearer.token(for: .graph, until: deadline).account } catch {
                throw isOfJob ? EnvironmentConnection.error(error, of: bearer.connection) : error
            }
        }
    }

    // MARK: The program

    private func start(
        _ input: ExecInput, _ walls: ExecWalls, _ wire: ExecWire, _ variables: [String: String],
        _ seat: any ProgramSeat
    ) async throws(MMError) -> WalledProgram {
        var rules = walls.rules
        rules.network = .ports([wire.session.port])
        // The program may read the proxy's files, in `wire.folder`; its own private folder is also made there.
        rules.readable.append(wire.folder)
        rules.proxiedHosts = []
        let session = wire.session
        return try await WalledProgram.start(
            WalledProgram.Settings(
                walls.program, Array(input.command.dropFirst()), environment: variables, rules: rules,
                temporaryDirectory: wire.folder, terminal: seat.terminal,
                streams: seat.streams, processes: wire.processes, takesListener: { session.serve(inside: $0) }))
    }

    /// Waits for the program's exit; at the deadline or if the caller cancels, the program is asked to end, then
    /// killed.
    private func attended(
        _ program: WalledProgram, _ seat: any ProgramSeat, until deadline: Deadline
    ) async -> ChildProcess.Exit? {
        let isLate = OneShot<Bool>()
        let alarm = Task {
            guard (try? await Task.sleep(for: deadline.remaining)) != nil, isLate.resolve(true) else { return }
            await program.stop()
        }
        defer { alarm.cancel() }
        return await withTaskCancellationHandler {
            let exit = await seat.attend(program)
            isLate.resolve(false)
            return await isLate.wait() ? nil : exit
        } onCancel: {
            Task { await program.stop() }
        }
    }

    // MARK: After

    /// Returns the note about requests that were held back; `nil` if there are none.
    /// - Parameter isReading: whether the call only reads, so that no approval would let them through.
    private static func note(aboutHeld held: [SentRequest], isReading: Bool) -> String? {
        guard !held.isEmpty else { return nil }
        let lines = held.prefix(mostHeld).map { "  \($0.line)" }
        let what = held.count.counted("request was", "requests were")
        // Approvals can't be given in advance for secrets and similar classes, so they aren't listed.
        let classes = Set(held.map(\.guardClass)).filter(StandingApproval.isPossible).map(\.rawValue).sorted()
        var way = isReading ? "This call only reads (--read-only)." : "To approve them, run mm confirm."
        if !isReading, !classes.isEmpty {
            way +=
                " To allow them without asking, use --allow \(classes.joined(separator: ",")), or mm allow for a limited time."
        }
        return
            (["\(what) held back and not sent:"] + lines
            + (held.count > lines.count ? ["  and \(held.count - lines.count) more"] : []) + [way])
            .joined(separator: "\n")
    }

    private func answer(
        _ exit: ChildProcess.Exit?, _ traffic: CallTraffic, _ notes: [String], of connection: Connection,
        in context: OperationContext
    ) throws(MMError) -> OperationAnswer {
        let report = traffic.report
        context.record.note("changesSent", .int(Int64(report.sent.count)))
        context.record.note("changesHeld", .int(Int64(report.held.count)))
        guard let exit else {
            if Task.isCancelled { throw MMError(.cancelled, "The program was stopped.") }
            throw MMError(
                .deadlineExceeded, "The program exceeded the time limit and was stopped.", details: report.details)
        }
        context.record.note("exit", .int(Int64(exit.code)))
        let notes =
            notes + traffic.notesOfProgram
            + [Self.note(aboutHeld: report.held, isReading: context.call.readsOnly)].compactMap(\.self)
        var answer = OperationAnswer(.output(ItemStream { nil }), notes: notes, connection: connection.name)
        answer.exitStatus = exit.code
        return answer
    }

    private static let mostHeld = 20

    /// The note for a program that failed and reached no service: one that ignores the proxy fails with an error of its
    /// own.
    private static let unreached =
        "The program sent no request through mm's proxy. Programs that ignore HTTPS_PROXY can't reach any host or resolve names. "
        + "Configure the program to use HTTPS_PROXY, and to trust the certificates in SSL_CERT_FILE."

    private static let noSeat = MMError(
        .unsupported, "`exec` runs programs only on the caller's own machine.",
        hint: "Run mm exec without --pool, MM_SESSION_POOL_URL and --detach.")

    static func noWire(_ connection: Connection) -> MMError {
        MMError(
            .unsupported,
            "The connection \(connection.name) does not use mm's proxy (\"egress\": \"off\"), so a program would see its tokens.",
            hint: "Remove the key egress: mm connections edit \(ShellWord.quoted(connection.name)) egress=")
    }
}

extension WalledProgram {
    /// Asks the program to end, and ends it if it doesn't.
    func stop() async {
        _ = try? await BlockingWork.run { [self] in
            signal(15)
            signal(18)
        }
        let patience = Task { [self] in
            try? await Task.sleep(for: .seconds(5))
            if !Task.isCancelled { _ = try? await BlockingWork.run { [self] in signal(9) } }
        }
        _ = await exit()
        patience.cancel()
    }
}

/// The person at the terminal in which a program runs. Questions are asked one at a time, while the program doesn't
/// have the terminal.
struct SeatedPerson: ConfirmingPerson {
    let person: any ConfirmingPerson
    let seat: any ProgramSeat

    var canBeAsked: Bool { person.canBeAsked }
    var isAtTerminal: Bool { person.isAtTerminal }

    func showSignIn(_ details: JSONObject) async {
        await seat.aside { await person.showSignIn(details) }
    }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        try await asked { () async throws(MMError) in try await person.confirm(question) }
    }

    func answer(to question: String) async throws(MMError) -> String? {
        try await asked { () async throws(MMError) in try await person.answer(to: question) }
    }

    func decide(_ question: ConfirmationQuestion) async throws(MMError) -> ConfirmationAnswer {
        try await asked { () async throws(MMError) in try await person.decide(question) }
    }

    private func asked<Value: Sendable>(
        _ ask: @Sendable () async throws(MMError) -> Value
    ) async throws(MMError) -> Value {
        try await seat.aside { await Result { () async throws(MMError) in try await ask() } }.get()
    }
}

/// The environment of a program: its caller's harmless variables, the proxy, and an identity that all Microsoft
/// libraries find before any other.
enum ExecEnvironment {
    /// Further variables for programs in a terminal.
    private static let terminalNames = ["TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "CI"]

    /// Returns the variables of a program.
    /// - Parameters:
    ///   - given: the caller's variables.
    ///   - names: further variables that the caller passes on.
    ///   - wire: the variables for the proxy and the identity.
    ///   - account: the account whose sign-in it uses.
    static func variables(
        _ given: [String: String], handing names: [String], _ wire: [String: String], of connection: Connection,
        _ cloud: Cloud, _ account: SignedInAccount
    ) throws(MMError) -> [String: String] {
        var made = ShellEnvironment.scrubbed(given)
        for name in terminalNames { made[name] = given[name] }
        for name in names {
            guard !EnvironmentConnection.secretVariables.contains(name), !name.hasPrefix("MM_") else {
                throw MMError(
                    .denied, "\(name) can't be passed to the program, because it holds a secret or a setting of mm.",
                    hint: "Leave --env \(name) out.",
                    details: ["field": "env"])
            }
            made[name] = given[name]
        }
        made.merge(identity(wire, of: connection, cloud, account)) { _, own in own }
        made.merge(wire) { _, own in own }
        // This marks all processes that the program starts, because none of them may confirm in a person's place.
        made["MM_SESSION"] = "\(connection.name)/exec"
        return made
    }

    /// Returns the variables by which programs find the identity.
    static func identity(
        _ wire: [String: String], of connection: Connection, _ cloud: Cloud, _ account: SignedInAccount
    ) -> [String: String] {
        var made: [String: String] = [
            // With this value, credential chains skip a person's own sign-ins on this machine.
            "AZURE_TOKEN_CREDENTIALS": "prod", "AZURE_TENANT_ID": account.tenantID,
            "AZURE_AUTHORITY_HOST": (cloud.name == "sandbox" ? "https://login.microsoftonline.com" : cloud.login) + "/",
            // These are for Terraform's providers.
            "ARM_USE_MSI": "true", "ARM_USE_CLI": "false", "ARM_TENANT_ID": account.tenantID,
            // These turn telemetry off, which the proxy wouldn't let through.
            "AZURE_CORE_COLLECT_TELEMETRY": "no", "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "POWERSHELL_TELEMETRY_OPTOUT": "1", "CHECKPOINT_DISABLE": "1", "DOTNET_EnableDiagnostics": "0",
        ]
        made["ARM_MSI_ENDPOINT"] = wire["IDENTITY_ENDPOINT"]
        if let subscription = connection.subscription, GUID.isValid(subscription) {
            made["ARM_SUBSCRIPTION_ID"] = subscription
            made["AZURE_SUBSCRIPTION_ID"] = subscription
        }
        return made
    }
}

/// A program's access to the network: a connection's proxy, with an identity that issues placeholders.
struct ExecWire: Sendable {
    /// The proxy.
    let session: EgressSession
    /// The program's requests and their outcomes.
    let requests: GrantedRequests
    /// The program's processes, which alone are served.
    let processes: ShellProcesses
    /// The folder for the proxy's files, which the program reads, and for the program's own files.
    let folder: String
    private let use: WireUse

    /// Whether the proxy has been used, apart from its identity.
    var isReached: Bool { use.isReached }

    /// Opens the network access for a program that is about to be started.
    /// - Parameters:
    ///   - turn: what the program may send, and the person to ask; `nil` if calls begin and end separately.
    ///   - account: the account whose sign-in it uses.
    ///   - module: the module name for its requests.
    /// - Throws: `.unavailable` if it can't be opened.
    static func open(
        _ turn: CallTurn?, for bearer: SessionBearer, as account: SignedInAccount, allowing hosts: [PlainHostName],
        policy: GuardPolicy, module: String = Exec.module, with services: ExecServices
    ) async throws(MMError) -> ExecWire {
        let connection = bearer.connection
        let requests = GrantedRequests(
            guards: services.guarding.guards, policy: policy, connection: connection.name,
            groups: SecurityGroups(identity: services.identity, connection: connection))
        if let turn { requests.begin(turn) }
        let wire = ConnectionWire(
            connection: connection, module: module, bearer: bearer, identity: services.identity,
            requests: requests, sent: services.sent, pins: services.paths.pinFile,
            log: services.log.scoped(connection.name, module))
        let folder = try OwnedFolder.make(in: services.environment["TMPDIR"] ?? "/tmp", "mm-exec-")
        do throws(MMError) {
            let use = WireUse()
            var configuration = try wire.configuration(
                "\(connection.name)/\(module)", allowing: hosts, folder: folder,
                environment: services.environment
            ) { event in
                use.note()
                guard case .over(let error, _)? = wire.record(event) else { return }
                wire.log.warning("the program's sign-in has ended: \(error.message)")
            }
            let processes = ShellProcesses()
            configuration.processes = { processes.all() }
            configuration.likelyProcesses = { processes.below() }
            let tokens = IdentityTokens(
                bearer: bearer, cloud: try services.identity.cloud(of: connection), vault: configuration.vault)
            configuration.identity = ProgramIdentity(
                clientID: account.appID ?? connection.appId, names: [account.objectID]
            ) { (audience) async throws(MMError) in
                try await tokens.placeholder(for: audience)
            }
            let session = try await EgressSession.start(configuration)
            return ExecWire(
                session: session, requests: requests, processes: processes, folder: folder, use: use)
        } catch {
            FolderTree.remove(folder)
            throw error
        }
    }

    /// Closes the network access and ends all open requests.
    /// - Returns: the requests that were sent and held back.
    func close() async -> CallTraffic {
        await session.close()
        FolderTree.remove(folder)
        return requests.end()
    }
}

/// A flag that says whether the proxy has been used.
private final class WireUse: Sendable {
    private let state = Mutex(false)

    var isReached: Bool { state.withLock { $0 } }

    func note() { state.withLock { $0 = true } }
}

/// The placeholders for an identity's tokens, one for each audience.
private final class IdentityTokens: Sendable {
    private let bearer: SessionBearer
    private let cloud: Cloud
    private let vault: PlaceholderVault
    private let given = Mutex<[ServiceResource: ProgramIdentity.Issued]>([:])

    init(bearer: SessionBearer, cloud: Cloud, vault: PlaceholderVault) {
        self.bearer = bearer
        self.cloud = cloud
        self.vault = vault
    }

    /// Returns the placeholder for an audience that the connection may use.
    func placeholder(for audience: String) async throws(MMError) -> ProgramIdentity.Issued {
        let resource = try resource(audience)
        if let known = given.withLock({ $0[resource] }) { return known }
        // A token is requested at the first use of each audience, so that the placeholder contains the claims of a
        // valid token.
        let token = try await bearer.token(for: resource, until: .after(.seconds(60)))
        let text = try vault.placeholder(
            for: token.secret, account: token.account.objectID, audience: cloud.audience(of: resource))
        let issued = ProgramIdentity.Issued(text: text, expiresAt: .now + PlaceholderVault.life)
        return given.withLock { given in
            if let known = given[resource] { return known }
            given[resource] = issued
            return issued
        }
    }

    private func resource(_ audience: String) throws(MMError) -> ServiceResource {
        if let resource = cloud.resource(takingAudience: audience) { return resource }
        return .api(try ConnectionAPI(audience))
    }
}

/// Tools that require an app's token (`idtyp`, `roles`) when they sign in with a managed identity. With a person's
/// token they would fail without a clear cause, so they aren't started.
enum AppIdentityNeed {
    /// The modules whose services accept a managed identity only as an app.
    private static let modules: Set = ["exo", "compliance", "teams"]
    private static let programs: Set = ["pwsh", "powershell", "pwsh-preview"]
    private static let mostBytes = 1 << 20

    /// Refuses a command that needs an app's token if a person has signed in.
    /// - Parameters:
    ///   - command: the program and its arguments.
    ///   - directory: its working directory.
    ///   - account: the signed-in account.
    static func check(
        _ command: [String], in directory: String, for account: SignedInAccount, of connection: Connection
    ) throws(MMError) {
        guard !account.isApp, let program = command.first?.split(separator: "/").last,
            programs.contains(String(program)),
            let text = script(Array(command.dropFirst()), in: directory), let call = signIn(text)
        else { return }
        throw MMError(
            .unsupported,
            "\(call) needs an app's access token, and \(connection.name) signs in a person (\(account.title)). The program was "
                + "not started.",
            hint:
                "Use a connection that signs in as an app (certificate, secret or federated credential), or run the cmdlets as the "
                + "signed-in person: mm run \(ShellWord.quoted(connection.name)) …",
            details: ["needs": "app", "account": .string(account.title)])
    }

    /// Returns the script that PowerShell is started with; `nil` if there is none or it can't be read.
    private static func script(_ arguments: [String], in directory: String) -> String? {
        var rest = arguments[...]
        while let word = rest.popFirst() {
            let name = word.lowercased()
            guard name.hasPrefix("-") else { return file(word, in: directory) }
            if name == "-c" || "-command".hasPrefix(name) && name.count > 3 { return rest.joined(separator: " ") }
            if name == "-f" || "-file".hasPrefix(name) && name.count > 2 {
                return rest.first.flatMap { file($0, in: directory) }
            }
            if valued.contains(where: { $0.hasPrefix(name) && name.count > 2 }) { rest = rest.dropFirst() }
        }
        return nil
    }

    /// PowerShell's own parameters that take a value.
    private static let valued = [
        "-workingdirectory", "-executionpolicy", "-inputformat", "-outputformat", "-configurationname", "-settingsfile",
        "-custompipename", "-windowstyle", "-configurationfile",
    ]

    private static func file(_ name: String, in directory: String) -> String? {
        let path = name.hasPrefix("/") ? name : directory + "/" + name
        guard let bytes = (try? ProtectedFile.read(path, limit: mostBytes)) ?? nil else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Returns the call with which a script signs in with the managed identity, if that must be an app's.
    private static func signIn(_ text: String) -> String? {
        for item in ScriptFacts(of: PowerShellParser.parse(text)).items {
            guard case .command(let command) = item.detail, let name = command.name,
                let cmdlet = SignInCmdlet.named(name.split(separator: "\\").last.map(String.init) ?? name),
                cmdlet.act == .connect, cmdlet.module.map(modules.contains) == true
            else { continue }
            for case .parameter(let written, _) in command.arguments
            where cmdlet.role(of: written) == SignInCmdlet.machineRole {
                return "\(cmdlet.name) -\(written)"
            }
        }
        return nil
    }
}
