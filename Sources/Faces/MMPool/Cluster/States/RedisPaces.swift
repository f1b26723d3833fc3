package import MMCore

/// The waits that services ask for (throttling), shared by all nodes.
///
/// Redis keeps them by its own clock, so that no node's clock shortens or lengthens a wait. Each node is notified of a
/// new wait at once and keeps a copy of all. While no service has asked to slow down, requests don't ask Redis. If
/// Redis can't be reached, a node continues with its copy.
package final class RedisPaces: PaceStore {
    private struct Sight {
        /// When the next request may be sent, by a clock of this process that can't be set.
        var until: ContinuousClock.Instant
        /// The time between two requests after that.
        var gap: Duration
    }

    private let redis: RedisClient
    private let news: RedisClient
    private let clock: WallClock
    private let sights = Mutex<[String: Sight]>([:])

    private static let key = "{mm:paces}:all"
    private static let newsKey = "{mm:paces}:news"
    /// How long the node listens for news before it reads all waits again.
    private static let listening = Duration.seconds(5)
    /// How long a wait without news is remembered after its end.
    private static let lifetime = Duration.seconds(60)

    /// Creates the waits of a cluster.
    /// - Parameters:
    ///   - redis: where the waits are kept.
    ///   - clock: the clock by which callers say when they sent their requests.
    package init(_ redis: RedisClient, clock: WallClock = .system) {
        self.redis = redis
        self.clock = clock
        // Listening occupies a connection until there is news, so it has a client of its own.
        news = RedisClient(redis.address, limit: Self.listening + .seconds(2))
    }

    deinit { news.close() }

    // MARK: Requests

    package func take(_ key: String) async -> Duration? {
        let now = ContinuousClock.now
        guard let seen = sights.withLock({ $0[key] }) else { return nil }
        guard seen.until <= now else { return now.duration(to: seen.until) }
        do throws(MMError) {
            return note(key, try await run(Self.taking, [key]))
        } catch {
            // The other nodes continue with their copies, and so does this one.
            return sights.withLock { sights in
                let now = ContinuousClock.now
                guard let seen = sights[key] else { return nil }
                guard seen.until <= now else { return now.duration(to: seen.until) }
                let isOver = seen.until.duration(to: now) > Self.lifetime
                sights[key] = isOver ? nil : Sight(until: now + seen.gap, gap: seen.gap)
                return nil
            }
        }
    }

    @discardableResult
    package func slowDown(_ key: String, for wait: Duration, sent: Timestamp) async -> Bool {
        let now = ContinuousClock.now
        let wait = min(max(wait, .zero), .milliseconds(Self.furthest))
        sights.withLock { sights in
            let old = sights[key]
            sights[key] = Sight(
                until: max(old?.until ?? now, now + wait), gap: old?.gap ?? .milliseconds(Self.firstGap))
        }
        guard let told = try? await run(Self.slowing, [key, "\(wait.milliseconds)", "\(age(of: sent))"]) else {
            return false
        }
        note(key, told)
        return true
    }

    package func goOn(_ key: String, sent: Timestamp) async {
        guard sights.withLock({ $0[key] != nil }) else { return }
        if let told = try? await run(Self.goingOn, [key, "\(age(of: sent))"]) {
            note(key, told)
        } else {
            sights.withLock { sights in
                guard let gap = sights[key]?.gap else { return }
                sights[key]?.gap = gap * 3 / 4
                if gap * 3 / 4 < .milliseconds(20) { sights[key] = nil }
            }
        }
    }

    /// Returns how long ago a request was sent. Unlike a time, an age can be compared between machines whose clocks
    /// differ.
    private func age(of sent: Timestamp) -> Int64 { min(max((clock.now - sent).milliseconds, 0), Self.furthest) }

    private func run(_ script: String, _ arguments: [String]) async throws(MMError) -> RedisValue {
        try await redis.script(
            Self.reading + script, keys: [Self.key, Self.newsKey], arguments.map { Array($0.utf8) })
    }

    /// Stores what Redis says of a key: the time to wait and the gap; removes the key if Redis has forgotten it.
    /// - Returns: the time to wait; `nil` if a request may be sent.
    @discardableResult
    private func note(_ key: String, _ value: RedisValue) -> Duration? {
        let now = ContinuousClock.now
        guard let list = value.elements, list.count == 3, let wait = list[0].integer, let gap = list[1].integer,
            let left = list[2].integer
        else {
            sights.withLock { $0[key] = nil }
            return nil
        }
        let sight = Sight(until: now + .milliseconds(left), gap: .milliseconds(gap))
        sights.withLock { $0[key] = sight }
        return wait > 0 ? .milliseconds(wait) : nil
    }

    // MARK: News

    /// Follows what other nodes report until the task is cancelled.
    package func run() async {
        let milliseconds = "\(Self.listening.milliseconds)"
        while !Task.isCancelled {
            do throws(MMError) {
                let last = try await look()
                _ = try await news.ask(
                    ["XREAD", "BLOCK", milliseconds, "STREAMS", Self.newsKey, last], key: Self.newsKey)
            } catch {
                guard (try? await Task.sleep(for: .milliseconds(500))) != nil else { return }
            }
        }
    }

    /// Reads all waits.
    /// - Returns: the id of the latest news that the result includes.
    package func look() async throws(MMError) -> String {
        let asked = ContinuousClock.now
        let answer = try await run(Self.looking, [])
        let now = ContinuousClock.now
        guard let list = answer.elements, let last = list.first?.text else { return "0-0" }
        var found: [String: Sight] = [:]
        for place in stride(from: 1, to: list.count - 2, by: 3) {
            guard let key = list[place].text, let gap = list[place + 1].integer, let left = list[place + 2].integer
            else { continue }
            found[key] = Sight(until: now + .milliseconds(left), gap: .milliseconds(gap))
        }
        sights.withLock { [found] sights in
            // Redis has forgotten what is missing from its answer. A wait that isn't over yet is kept all the same: the
            // server may have lost it or not have received it yet, but the service still asked for it.
            sights = sights.filter { found[$0.key] != nil || $0.value.until > asked }
            for (key, sight) in found {
                // This node may have been told of a later time meanwhile.
                let until = max(sight.until, sights[key]?.until ?? sight.until)
                sights[key] = Sight(until: until, gap: sight.gap)
            }
        }
        return last
    }

    /// Returns whether anything is known of a key, even if requests need not wait at the moment.
    func knows(_ key: String) -> Bool { sights.withLock { $0[key] != nil } }

    /// The current waiting times of requests, by key.
    package var waits: [String: Duration] {
        let now = ContinuousClock.now
        return sights.withLock { $0 }.compactMapValues { $0.until > now ? now.duration(to: $0.until) : nil }
    }

    // MARK: Scripts

    private static let firstGap: Int64 = 200
    /// The longest wait that is accepted, in milliseconds.
    private static let furthest: Int64 = 3_600_000

    /// The beginning of all scripts. An entry is `not before, gap, told`, all in milliseconds, as in `Pace`, which does
    /// the same for one machine.
    private static let reading = """
        local time = redis.call('TIME')
        local now = time[1] * 1000 + math.floor(time[2] / 1000)
        local function entry(text)
          local before, gap, told = string.match(text or '', '^(%d+) (%d+) (%d+)$')
          if not before then return nil end
          before, gap, told = tonumber(before), tonumber(gap), tonumber(told)
          if now - before > 60000 or before - now > 3604000 then return nil end
          return before, gap, told
        end
        local function keep(before, gap, told)
          redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %.0f %.0f', before, gap, told))
          redis.call('PEXPIRE', KEYS[1], 3700000)
        end
        local function left(before) return math.max(before - now, 0) end

        """

    private static let taking = """
        local before, gap, told = entry(redis.call('HGET', KEYS[1], ARGV[1]))
        if not before then redis.call('HDEL', KEYS[1], ARGV[1]) return {} end
        if now < before then return {before - now, gap, before - now} end
        before = now + gap
        keep(before, gap, told)
        return {0, gap, gap}
        """

    /// Requests that were in flight together are all refused, which counts as one refusal: only a later one doubles the
    /// gap.
    private static let slowing = """
        local before, gap, told = entry(redis.call('HGET', KEYS[1], ARGV[1]))
        local until_ = now + 1 + ARGV[2]
        if before then
          if now - ARGV[3] > told then gap = math.min(gap * 2, 4000) end
          before, told = math.max(before, until_), math.max(told, now)
        else
          before, gap, told = until_, 200, now
        end
        keep(before, gap, told)
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', 100, '*', 'key', ARGV[1])
        redis.call('PEXPIRE', KEYS[2], 3700000)
        return {left(before), gap, left(before)}
        """

    private static let goingOn = """
        local before, gap, told = entry(redis.call('HGET', KEYS[1], ARGV[1]))
        if before and now - ARGV[2] > told then
          gap = math.floor(gap * 3 / 4)
          if gap >= 20 then keep(before, gap, told) else before = nil end
        end
        if not before then redis.call('HDEL', KEYS[1], ARGV[1]) return {} end
        return {left(before), gap, left(before)}
        """

    private static let looking = """
        local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)
        local found = {last[1] and last[1][1] or '0-0'}
        local all = redis.call('HGETALL', KEYS[1])
        for place = 1, #all, 2 do
          local before, gap = entry(all[place + 1])
          if before then
            table.insert(found, all[place])
            table.insert(found, gap)
            table.insert(found, left(before))
          end
        end
        return found
        """
}
