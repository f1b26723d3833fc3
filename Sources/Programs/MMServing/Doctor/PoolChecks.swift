import MMCore
import MMOperations
import MMPool
import MMSystem

/// Whether the pool runs, and whether it is this program.
struct PoolChecks: Sendable {
    /// Tells which pool.
    let environment: [String: String]

    /// Looks for the pool; starts none.
    func examine(into report: inout DoctorReport) async {
        let finder = PoolFinder(environment: environment)
        let running: RunningPool?
        do throws(MMError) {
            running = try await finder.running()
        } catch {
            report.add("pool", error)
            return
        }
        guard let handshake = running?.handshake else {
            guard let holder = await finder.holdingOn() else {
                report.add("pool", .sound, "doesn't run; the first call starts it")
                return
            }
            report.add(
                "pool", .failed, holder["state"]?.string ?? "not answering", remedy: holder["hint"]?.string)
            return
        }
        if let client = running?.client, let answer = try? await client.ask("GET", "/v1/pool"),
            let cluster = answer.body["cluster"]
        {
            let nodes = (cluster["nodes"]?.array ?? []).count { $0["state"] == "running" }
            if cluster["state"] == "connected" {
                let leases = cluster["leases"]?.array?.count ?? 0
                let words =
                    "\(nodes) nodes over \(cluster["redis"]?.string ?? "Redis"); this one holds \(leases) leases"
                if cluster["persistence"] == "none" {
                    report.add(
                        "redis", .advice,
                        "Redis keeps nothing when it starts again: it forgets which calls were carried out, and the same one "
                            + "may be carried out twice",
                        remedy: "set appendonly yes in Redis' configuration")
                } else if cluster["persistence"] == "snapshots" {
                    report.add(
                        "redis", .advice,
                        "Redis forgets what was written since its last snapshot when it ends: calls of that time may be "
                            + "carried out twice",
                        remedy: "set appendonly yes in Redis' configuration")
                }
                if cluster["sharesConfirmations"] == false {
                    report.add(
                        "cluster", .advice, "\(words); each node keeps its confirmations to itself",
                        remedy: "set MM_CLUSTER_KEY_FILE, the same key on all nodes")
                } else {
                    report.add("cluster", .sound, words)
                }
            } else {
                report.add(
                    "cluster", .failed, cluster["note"]?.string ?? "Redis is away",
                    remedy: "check Redis and --cluster")
            }
        }
        let words = "runs since \(handshake.started.localLog), process \(handshake.process.pid)"
        if handshake.build == .own {
            report.add("pool", .sound, words)
        } else {
            report.add(
                "pool", .advice,
                "\(words), from another build (\(handshake.build.version), this is \(ProductVersion.text))",
                remedy: "mm pool restart")
        }
    }
}
