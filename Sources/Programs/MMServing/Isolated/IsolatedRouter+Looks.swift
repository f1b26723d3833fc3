import MMCore
import MMHTTP
import MMLegacy
import MMOperations
import MMPool
import MMSessions

/// What the router tells of its pools.
extension IsolatedRouter {
    func connections() throws(MMError) -> RouteReply {
        let snapshot = try registry.snapshot()
        var entries = JSONObject()
        for name in snapshot.names(visibleTo: Self.serverName) {
            guard var entry = snapshot.document["connections"]?[name]?.object else { continue }
            entry["_container_port"] = .null
            entries[name] = .object(entry)
        }
        return RouteReply(["connections": .object(entries)])
    }

    /// The pools have sockets that the router alone reaches: the first router's map of ports has none to name.
    private func ports() throws(MMError) -> JSONObject {
        JSONObject(try names().map { ($0, .null) })
    }

    /// The connections, and the pools that may run: some are there without being started here.
    private func known() throws(MMError) -> (names: [String], pools: [String: IsolatedPool]) {
        let names = try names()
        // One whose name can be no host's has none, and is no reason to see nothing of the others.
        if !sites.areStarted { for name in names { _ = try? pool(name) } }
        return (names, pools)
    }

    /// What every pool says to a question, asked of all at once.
    private func answers(_ path: String) async throws(MMError) -> [(
        name: String, pool: IsolatedPool?, answer: JSONObject?
    )] {
        let (names, pools) = try known()
        var found: [String: JSONObject] = [:]
        await withTaskGroup(of: (String, JSONObject?).self) { group in
            for name in names {
                guard let pool = pools[name] else { continue }
                group.addTask { (name, await pool.look(path)) }
            }
            for await (name, answer) in group { found[name] = answer }
        }
        return names.map { ($0, pools[$0], found[$0]) }
    }

    func status() async throws(MMError) -> RouteReply {
        var sessions: [JSONValue] = []
        var containers = JSONObject()
        var isolation = JSONObject()
        var isRestoring = !returning.isEmpty
        for (name, pool, answer) in try await answers("/status") {
            if answer?["restoring"] == true { isRestoring = true }
            sessions += answer?["sessions"]?.array ?? []
            containers[name] = .string(await Self.word(pool, answer))
            if let pool { isolation[name] = .object(await pool.site.holds) }
        }
        var status: JSONObject = [
            "sessions": .array(sessions), "containers": .object(containers), "isolation": .object(isolation),
        ]
        if isRestoring { status["restoring"] = true }
        return RouteReply(status)
    }

    private static func word(_ pool: IsolatedPool?, _ answer: JSONObject?) async -> String {
        if answer != nil { return "healthy" }
        guard let pool, await pool.site.isRunning else { return "stopped" }
        return "unreachable"
    }

    func metrics() async throws(MMError) -> RouteReply {
        let own = meter.report(now: clock.now())
        var containers = JSONObject()
        var active = 0
        for (name, pool, answer) in try await answers("/metrics") {
            guard let answer else {
                containers[name] = ["status": .string(await Self.word(pool, nil))]
                continue
            }
            active += answer["active_sessions"]?.int ?? 0
            containers[name] = [
                "uptime": answer["uptime_human"] ?? .null, "requests": answer["total_requests"] ?? 0,
                "active_sessions": answer["active_sessions"] ?? 0,
            ]
        }
        return RouteReply([
            "router_uptime_seconds": own["uptime_seconds"] ?? 0, "router_uptime_human": own["uptime_human"] ?? "",
            "total_requests": own["total_requests"] ?? 0, "total_errors": own["total_errors"] ?? 0,
            "active_sessions": .int(Int64(active)), "containers": .object(containers),
            "port_map": .object(try ports()),
        ])
    }

    /// The router's own figures and those of every pool that runs, each with its connection.
    func prometheus() async -> HTTPServerResponse {
        let (names, all): ([String], [String: IsolatedPool])
        do throws(MMError) { (names, all) = try known() } catch {
            return .text("\(error.message)\n", status: 500)
        }
        var texts: [String: String] = [:]
        await withTaskGroup(of: (String, String?).self) { group in
            for name in names {
                guard let pool = all[name] else { continue }
                group.addTask { (name, await pool.prometheus()) }
            }
            for await (name, text) in group { texts[name] = text }
        }
        let own = meter.report(now: clock.now())
        func figure(_ name: String) -> [(PrometheusPage.Labels, Double)] { [([], own[name]?.double ?? 0)] }
        var page = PrometheusPage()
        page.family(
            "mm_router_uptime_seconds", "gauge", "How long the router has been up.", figure("uptime_seconds"))
        page.family(
            "mm_router_requests_total", "counter", "Commands that the router passed on.", figure("total_requests"))
        page.family("mm_router_errors_total", "counter", "Commands that failed.", figure("total_errors"))
        page.family(
            "mm_router_pool_up", "gauge", "Whether a connection's pool runs and answers.",
            names.map { ([("connection", $0)], texts[$0] == nil ? 0 : 1) })
        for name in names {
            if let text = texts[name] { page.gather(text, label: ("connection", name)) }
        }
        return .text(page.text, type: MetricsReport.prometheusType)
    }
}
