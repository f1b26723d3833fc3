package import MMCore
package import MMHTTP
package import MMOperations
package import MMPool
import MMPowerShell
import MMSessions

/// The session pool's original routes: `/health /status /connections /run /reset /metrics`.
package final class SessionPoolRoutes: Sendable {
    /// The settings of such a pool.
    package struct Settings: Sendable {
        /// The port at which the server listens.
        package var port: UInt16 = 5200
        /// The only connection that it serves; `nil` for all.
        package var connection: String?
        /// The name that connections' `mcps` lists are compared with.
        package var serverName = "mm"
        /// The time limit of a command.
        package var commandLimit: Duration = .seconds(300)

        package init() {}

        /// Reads the settings from an environment: `SESSION_POOL_PORT`, `M365_CONNECTION`, `COMMAND_TIMEOUT`.
        /// - Throws: `invalidInput`, naming the variable.
        package init(environment: [String: String]) throws(MMError) {
            port =
                try EnvironmentNumber.read("SESSION_POOL_PORT", of: environment, in: 0...UInt16.max, "a port") ?? port
            connection = environment["M365_CONNECTION"].flatMap { $0.isEmpty ? nil : $0 }
            let limit = try EnvironmentNumber.read("COMMAND_TIMEOUT", of: environment, in: 1...86_400, "whole seconds")
            commandLimit = limit.map { .seconds($0) } ?? commandLimit
        }
    }

    let service: any OperationService
    let services: OperationServices
    let settings: Settings
    let clock = PoolClock.system
    private let meter: Mutex<RunMeter>
    private let histogram: PoolMetrics
    private let shownCodes = Mutex<[SessionKey: String]>([:])
    private let listed = Mutex<(revision: Int, body: [UInt8])?>(nil)

    /// Creates routes over the operations of this process.
    /// - Parameters:
    ///   - service: performs operations.
    ///   - services: what they work with.
    ///   - settings: the connections served, and the time limits.
    ///   - metrics: the metrics of the calls for Prometheus; several interfaces of one process may share them.
    package init(
        service: any OperationService, services: OperationServices, settings: Settings,
        metrics: PoolMetrics = PoolMetrics()
    ) {
        self.service = service
        histogram = metrics
        self.services = services
        self.settings = settings
        meter = Mutex(RunMeter(now: clock.now()))
    }

    /// The routes.
    package var router: Router<AdmittedPeer> {
        var router = Router<AdmittedPeer>(.errorObjects)
        router.get("/health") { [clock] _ in
            RouteExchange.response(RouteReply(["status": "healthy", "timestamp": .string(clock.wall.now.localISO)]))
        }
        router.get("/status") { [self] _ in RouteExchange.response(RouteReply(await status())) }
        router.get("/metrics") { [self] request in await metrics(request.http.headers) }
        router.get("/connections") { [self] _ in connections() }
        router.post("/run") { [self] request in
            let began = clock.now()
            switch RouteExchange.body(request.http) {
            case .failure(let refusal):
                count(began, isError: true)
                return RouteExchange.response(Self.failure(refusal.message, status: refusal.status))
            case .success(let body): return RouteExchange.response(await run(body, began))
            }
        }
        router.post("/reset") { [self] request in
            switch RouteExchange.body(request.http) {
            case .failure(let refusal):
                return RouteExchange.response(Self.failure(refusal.message, status: refusal.status))
            case .success(let body): return RouteExchange.response(await reset(body))
            }
        }
        return router
    }

    private func count(_ began: Duration, isError: Bool, isSignIn: Bool = false) {
        let time = clock.now() - began
        meter.withLock { $0.count(time, isError: isError, isSignIn: isSignIn) }
    }

    private func caller(_ id: String?) -> Caller {
        Caller(surface: .rest, name: String((id ?? "anonymous").prefix(100)), server: settings.serverName)
    }

    /// Returns the reply for work that failed.
    package static func failure(_ text: String, status: Int = 200, output: String? = nil) -> RouteReply {
        var body: JSONObject = ["status": "error", "error": .string(text)]
        body["output"] = output.map { .string($0) }
        return RouteReply(body, status: status)
    }

    // MARK: /run

    private func run(_ body: JSONObject, _ began: Duration) async -> RouteReply {
        let reply: RouteReply
        do throws(MMError) {
            reply = try await answer(body)
        } catch {
            reply = Self.failure(error.message, status: 400)
        }
        let status = reply.body["status"]
        count(began, isError: status == "error", isSignIn: status == "auth_required")
        return reply
    }

    /// Runs a command.
    /// - Throws: `invalidInput` for invalid arguments.
    private func answer(_ body: JSONObject) async throws(MMError) -> RouteReply {
        let asked = try RouteExchange.text("connection", body)
        let module = try RouteExchange.text("module", body)
        let command = try RouteExchange.text("command", body)
        // The id only names the caller in the log, so any type is accepted, as in the original server.
        let caller = caller(body["caller_id"].flatMap { $0 == .null ? nil : $0.string ?? $0.description })
        guard let connection = settings.connection ?? asked, let module, let command else {
            return Self.failure("Missing connection, module, or command", status: 400)
        }
        if let asked, asked != connection {
            return Self.failure("This container only handles \(connection)", status: 400)
        }
        guard ModuleProfiles.all.contains(where: { $0.name == module }) else {
            return Self.failure("Unknown module: \(module.prefix(60))", status: 400)
        }
        var call = CallContext(caller: caller, timeLimit: settings.commandLimit)
        call.followEarlierServers()
        var arguments: JSONObject = [
            "connection": .string(connection), "module": .string(module), "command": .string(command),
        ]
        if body["confirmed"] == true { arguments["confirmed"] = true }
        let key = SessionKey(connection: connection, module: module)
        do throws(MMError) {
            let answer = try await answer(to: arguments, in: call)
            _ = shownCodes.withLock { $0.removeValue(forKey: key) }
            var reply: JSONObject = ["status": "success", "output": .string(try await answer.poolOutput())]
            if let errors = answer.errorsBesideJSON { reply["errors"] = .array(errors.map { .string($0) }) }
            reply["authenticated_as"] = await services.sessions.account(of: key).map { .string($0) }
            return RouteReply(reply)
        } catch {
            return failure(error, key)
        }
    }

    private func answer(to arguments: JSONObject, in call: CallContext) async throws(MMError) -> OperationAnswer {
        do throws(MMError) {
            return try await called(.run, arguments, in: call)
        } catch {
            guard var answer = error.earlierAnswer else { throw error }
            answer.body = .text("")
            return answer
        }
    }

    private func called(
        _ declared: OperationDeclaration, _ arguments: JSONObject, in call: CallContext
    ) async throws(MMError) -> OperationAnswer {
        let operation = try service.catalogue.require(declared.name)
        return try await histogram.counted(operation) { () async throws(MMError) in
            try await service.call(operation, arguments, in: call)
        }
    }

    private func failure(_ error: MMError, _ key: SessionKey) -> RouteReply {
        let again = "Session reset — retry will create a fresh session."
        switch error.code {
        case .signInNeeded:
            guard let signIn = ShownCode(error) else { return Self.failure(error.description) }
            let isKnown = shownCodes.withLock { codes in codes.updateValue(signIn.code, forKey: key) == signIn.code }
            var reply: JSONObject = [
                "status": "auth_required", "device_code": .string(signIn.code), "auth_url": .string(signIn.address),
                "message": .string(isKnown ? "Complete device code auth, then retry" : signIn.message),
            ]
            if !isKnown { reply["expires_in"] = .int(signIn.secondsLeft(at: clock.wall.now)) }
            return RouteReply(reply)
        case .denied:
            return Self.failure(
                "Command blocked: \(error.description) This operation is not allowed through the session pool.")
        case .notFound where isUnknown(key.connection):
            return Self.failure("Connection '\(key.connection)' not found. \(error.hint ?? "")")
        case .deadlineExceeded:
            let ended = error.details["sessionRestarted"] == true
            return Self.failure(
                "Timeout: \(ended ? "The command did not stop in time. \(again)" : error.message)",
                output: error.outputText)
        case .sessionLost: return Self.failure("PowerShell process died. \(again)")
        default: return Self.failure(error.description, output: error.outputText)
        }
    }

    /// Returns whether this server has no such connection. What a service doesn't find names its connection too, so
    /// only the registry can tell.
    private func isUnknown(_ connection: String) -> Bool {
        do throws(MMError) {
            _ = try services.registry.snapshot().connection(named: connection, for: settings.serverName)
            return false
        } catch {
            return error.code == .notFound
        }
    }

    // MARK: /reset

    private func reset(_ body: JSONObject) async -> RouteReply {
        do throws(MMError) {
            let asked = try RouteExchange.text("connection", body)
            let module = try RouteExchange.text("module", body)
            guard let connection = settings.connection ?? asked else {
                return Self.failure("Missing connection parameter", status: 400)
            }
            if let asked, asked != connection {
                return Self.failure("This container only handles \(connection)", status: 400)
            }
            var arguments: JSONObject = ["connection": .string(connection)]
            arguments["module"] = module.map { .string($0) }
            let answer: OperationAnswer
            do throws(MMError) {
                answer = try await called(.reset, arguments, in: CallContext(caller: caller(nil)))
            } catch {
                // A connection without an entry has no sessions; the session-pool server replied that nothing was
                // reset.
                guard error.code == .notFound else { return Self.failure(error.description) }
                return RouteReply(["status": "success", "reset": [], "count": 0])
            }
            shownCodes.withLock { codes in
                for key in codes.keys where key.connection == connection && (module ?? key.module) == key.module {
                    codes[key] = nil
                }
            }
            guard case .value(let value) = answer.body, let object = value.object else {
                return Self.failure("The reset returned no answer.")
            }
            return RouteReply(object)
        } catch {
            return Self.failure(error.message, status: 400)
        }
    }

    // MARK: what there is

    /// Returns whether a session's connection may be used under this server's name.
    private func isShown(_ key: SessionKey, _ snapshot: RegistrySnapshot?) -> Bool {
        if let only = settings.connection, key.connection != only { return false }
        return (try? snapshot?.connection(named: key.connection, for: settings.serverName)) != nil
    }

    private func reports() async -> [SessionReport<SessionKey>] {
        let snapshot = try? services.registry.snapshot()
        return await services.sessions.reports().filter { isShown($0.key, snapshot) }
    }

    private func rows(_ reports: [SessionReport<SessionKey>]) -> [JSONValue] {
        var rows: [JSONValue] = []
        for report in reports {
            let word = report.state.metricsName
            rows.append([
                "session_id": .string(report.key.description), "state": .string(word),
                "authenticated": .bool(word == "authenticated"),
                "last_command": report.commands > 0 ? (report.lastUsed.map { .string($0.localISO) } ?? .null) : .null,
            ])
        }
        return rows
    }

    private func status() async -> JSONObject {
        let reports = await reports()
        let snapshot = try? services.registry.snapshot()
        let returning = services.restorer.standings.filter { $0.value == .restoring && isShown($0.key, snapshot) }
        var rows = rows(reports)
        for key in returning.keys.sorted() where !reports.contains(where: { $0.key == key }) {
            rows.append([
                "session_id": .string(key.description), "state": "initializing", "authenticated": false,
                "last_command": .null,
            ])
        }
        var status: JSONObject = ["sessions": .array(rows)]
        if !returning.isEmpty { status["restoring"] = true }
        return status
    }

    /// Returns JSON like the session-pool server's, or Prometheus's text format for clients that ask for it.
    private func metrics(_ headers: HTTPHeaders) async -> HTTPServerResponse {
        let reports = await reports()
        let counters = await services.sessions.counters
        if MetricsReport.prefersPrometheus(headers) {
            let interval = await services.sessions.settings.keepAliveAfter
            return MetricsReport(histogram, sessions: reports, counters: counters, keepAliveInterval: interval)
                .response(for: headers)
        }
        return RouteExchange.response(RouteReply(await metrics(rows(reports), counters)))
    }

    private func metrics(_ rows: [JSONValue], _ counters: PoolCounters) async -> JSONObject {
        var pings = JSONObject()
        for (key, time) in await services.sessions.lastPings() { pings[key.description] = .string(time.localISO) }
        var report = meter.withLock { $0 }.report(now: clock.now())
        report["sessions"] = .array(rows)
        report["active_sessions"] = .int(Int64(rows.count { $0["authenticated"] == true }))
        report["keepalive"] = [
            "interval_seconds": .int(await services.sessions.settings.keepAliveAfter.components.seconds),
            "total_pings": .int(Int64(counters.keepAlives - counters.keepAliveFailures)),
            "failures": .int(Int64(counters.keepAliveFailures)), "last_pings": .object(pings),
        ]
        return report
    }

    /// Returns whole entries, like the session-pool server, but only of connections that may be used under this
    /// server's name.
    private func connections() -> HTTPServerResponse {
        do throws(MMError) {
            let snapshot = try services.registry.snapshot()
            if let known = listed.withLock({ $0 }), known.revision == snapshot.revision { return .json(known.body) }
            var entries = JSONObject()
            for name in snapshot.names(visibleTo: settings.serverName) {
                if let only = settings.connection, name != only { continue }
                entries[name] = snapshot.document["connections"]?[name]
            }
            let body = JSONWriter.bytes(["connections": .object(entries)]) + [0x0A]
            listed.withLock { $0 = (snapshot.revision, body) }
            return .json(body)
        } catch {
            return RouteExchange.response(Self.failure(error.description))
        }
    }
}

/// Counts the pool's `/run` calls.
package struct RunMeter: Sendable {
    private let started: Duration
    private var requests = 0
    private var errors = 0
    private var signIns = 0
    /// The last hundred durations in seconds, as a ring buffer.
    private var times: [Double] = []
    private var next = 0

    /// Creates a meter with all counts at zero.
    /// - Parameter now: the current time, on the clock that later calls use.
    package init(now: Duration) { started = now }

    /// Counts a call.
    package mutating func count(_ time: Duration, isError: Bool, isSignIn: Bool) {
        requests += 1
        if isError { errors += 1 }
        if isSignIn { signIns += 1 }
        let seconds = time / .seconds(1)
        if times.count < 100 {
            times.append(seconds)
        } else {
            times[next] = seconds
            next = (next + 1) % 100
        }
    }

    /// Returns the counts in the session-pool server's form.
    package func report(now: Duration) -> JSONObject {
        let uptime = (now - started) / .seconds(1)
        let whole = Int(uptime)
        let average = times.isEmpty ? 0 : times.reduce(0, +) / Double(times.count)
        return [
            "uptime_seconds": .double(Self.rounded(uptime, 10)),
            "uptime_human": .string("\(whole / 3600)h \(whole / 60 % 60)m \(whole % 60)s"),
            "total_requests": .int(Int64(requests)), "total_errors": .int(Int64(errors)),
            "error_rate": requests == 0
                ? 0 : .double(Self.rounded(Double(errors) / Double(requests) * 100, 100)),
            "total_auths": .int(Int64(signIns)), "avg_response_ms": .double(Self.rounded(average * 1000, 10)),
            "last_100_responses": .int(Int64(times.count)),
        ]
    }

    private static func rounded(_ number: Double, _ steps: Double) -> Double { (number * steps).rounded() / steps }
}
