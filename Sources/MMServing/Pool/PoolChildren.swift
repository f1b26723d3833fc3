import Glibc
import MMCore
import MMSystem

/// The processes below a pool: none outlives it.
///
/// The kernel ends what the pool itself started when it ends. What those started in turn is written down while the pool
/// lives, so that the next pool ends it after a pool that was killed.
actor PoolChildren {
    private let path: String
    private var recorded: Set<ProcessIdentity> = []
    private var endedBefore: Set<Int32> = []
    private var isOver = false

    /// The processes recorded at a path.
    init(path: String) {
        self.path = path
    }

    /// Ends what an earlier pool has left, to be called while no other pool runs.
    /// - Returns: how many processes were ended.
    func endLeftovers() -> Int {
        guard let bytes = try? ProtectedFile.read(path, limit: 16 << 20),
            let list = (try? JSONParser.parse(bytes))?.array
        else { return 0 }
        var count = 0
        for item in list {
            guard let pid = item["pid"]?.int, let startTime = item["startTime"]?.int, pid > 1, startTime >= 0 else {
                continue
            }
            // A later process with the same number started at another time.
            if ProcessIdentity(pid: Int32(clamping: pid), startTime: UInt64(startTime)).signal(SIGKILL) { count += 1 }
        }
        try? ProtectedFile.remove(path)
        return count
    }

    /// Writes down what runs now, and takes leave of adopted processes that have ended.
    func look() {
        guard !isOver else { return }
        let now = Set(Descendants.running())
        if now != recorded {
            let list = now.sorted { $0.pid < $1.pid }.map { process -> JSONValue in
                ["pid": .int(Int64(process.pid)), "startTime": .int(Int64(clamping: process.startTime))]
            }
            let bytes = JSONWriter.bytes(.array(list))
            // What could not be written, on a full disk say, is written with the next look.
            if (try? ProtectedFile.replace(path, with: bytes, durable: false)) != nil { recorded = now }
        }
        // What we started ourselves is waited for as soon as it ends: what is still there after a while was adopted.
        let ended = Descendants.ended()
        for pid in ended.intersection(endedBefore) { Descendants.bury(pid) }
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
