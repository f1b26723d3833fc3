import Glibc
import MMCore
import MMSystem

/// The processes below a pool: none outlives it.
///
/// The kernel ends what the pool itself started when it ends. What those started in turn carries the pool's mark, and is
/// written down while the pool lives, so that the next pool ends it after a pool that was killed.
/// Each pool has a record of its own: one that gives way to a later version still has calls under way.
actor PoolChildren {
    private let folder: String
    private let pool: ProcessIdentity
    private var recorded: Set<ProcessIdentity> = []
    private var endedBefore: Set<Int32> = []
    private var isOver = false

    /// The processes below a pool.
    /// - Parameters:
    ///   - folder: where the records of all pools over these files lie, each named by its pool's number.
    ///   - pool: the pool's process.
    init(folder: String, pool: ProcessIdentity) {
        self.folder = folder
        self.pool = pool
    }

    private var path: String { "\(folder)/\(pool.pid)" }

    /// Ends what earlier pools have left, to be called while no other pool takes calls.
    /// - Returns: how many processes were ended.
    func endLeftovers() -> Int {
        ProcFile.numericNames(in: folder).reduce(0) { $0 + endLeftovers(of: $1) }
    }

    private func endLeftovers(of number: Int32) -> Int {
        let path = "\(folder)/\(number)"
        guard let bytes = try? ProtectedFile.read(path, limit: 16 << 20) else { return 0 }
        let record = try? JSONParser.parse(bytes)
        var count = 0
        if let startTime = record?["startTime"]?.int {
            let pool = ProcessIdentity(pid: number, startTime: UInt64(clamping: startTime))
            // One that gives way to us finishes its calls, and ends what is below it by itself.
            if pool.isRunning { return 0 }
            count += endBearers(of: pool)
        }
        for item in record?["processes"]?.array ?? [] {
            guard let pid = item["pid"]?.int, let startTime = item["startTime"]?.int, pid > 1, startTime >= 0 else {
                continue
            }
            // A later process with the same number started at another time.
            if ProcessIdentity(pid: Int32(clamping: pid), startTime: UInt64(startTime)).signal(SIGKILL) { count += 1 }
        }
        try? ProtectedFile.remove(path)
        return count
    }

    /// Ends what carries a pool's mark, and what that starts meanwhile, in a few rounds.
    private func endBearers(of pool: ProcessIdentity) -> Int {
        var ended: Set<ProcessIdentity> = []
        for _ in 0..<5 {
            let left = SessionMark.descendants(of: pool)
            if left.isEmpty { break }
            for process in left where process.signal(SIGKILL) { ended.insert(process) }
        }
        return ended.count
    }

    /// Makes the record before anything is started, so that the next pool knows whose mark to look for.
    func begin() { look(always: true) }

    /// Writes down what runs now, and takes leave of adopted processes that have ended.
    func look() { look(always: false) }

    private func look(always: Bool) {
        guard !isOver else { return }
        let now = Set(Descendants.running())
        if always || now != recorded {
            let list = now.sorted { $0.pid < $1.pid }.map { process -> JSONValue in
                ["pid": .int(Int64(process.pid)), "startTime": .int(Int64(clamping: process.startTime))]
            }
            let record: JSONValue = [
                "startTime": .int(Int64(clamping: pool.startTime)), "processes": .array(list),
            ]
            let bytes = JSONWriter.bytes(record)
            // What could not be written, on a full disk say, is written with the next look.
            if (try? ProtectedFile.replace(path, with: bytes, durable: false)) != nil { recorded = now }
        }
        // What we started ourselves is waited for as soon as it ends: what is still there after a while was adopted.
        let ended = Descendants.ended()
        for pid in ended.intersection(endedBefore) { Descendants.reap(pid) }
        endedBefore = ended
    }

    /// Ends everything below this process.
    func endAll() async {
        isOver = true
        let deadline = Deadline.after(.seconds(5))
        repeat {
            let left = Descendants.running()
            if left.isEmpty { break }
            for process in left { process.signal(SIGKILL) }
            try? await Task.sleep(for: .milliseconds(10))
        } while !deadline.hasPassed
        try? ProtectedFile.remove(path)
    }
}
