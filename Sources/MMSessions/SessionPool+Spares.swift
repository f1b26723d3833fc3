import MMCore

extension SessionPool {
    /// Keeps a started session that isn't signed in ready for each of these keys, so that the first answer doesn't wait
    /// for a start.
    ///
    /// A key that has a session needs no spare. What can't be started is tried again later.
    public func keepSpares(for keys: some Sequence<Key>) async {
        spareKeys = Set(keys)
        await dropSpares { !self.spareKeys.contains($0) }
        await fillSpares()
    }

    /// The keys for which a session is ready to sign in.
    public var readySpares: [Key] { spares.keys.sorted() }

    func fillSpares() async {
        let now = clock.now()
        for (key, spare) in spares where await !spare.isSpare {
            // Another turn may have taken it meanwhile.
            if spares.removeValue(forKey: key) != nil { await spare.close() }
        }
        for key in spareKeys.sorted() where spares[key] == nil && slots[key] == nil && !isClosed {
            if let again = spareFaults[key], now < again { continue }
            guard spares.count < settings.maxSpares else { return }
            do throws(MMError) {
                let start = standardOrder(for: key).start
                let spare = try await startSession(key) { () async throws(MMError) in
                    let session = try await start()
                    do throws(MMError) { try await session.warmUp() } catch {
                        await session.close()
                        throw error
                    }
                    return session
                }
                spareFaults[key] = nil
                if isClosed || !spareKeys.contains(key) || spares[key] != nil || slots[key] != nil {
                    await spare.close()
                } else {
                    spares[key] = spare
                }
            } catch {
                spareFaults[key] = now + settings.spareRetryDelay
            }
        }
    }

    /// Returns a spare for a key that can still be signed in.
    func takeSpare(_ key: Key) async -> Session? {
        guard let spare = spares.removeValue(forKey: key) else { return nil }
        if await spare.isSpare { return spare }
        await spare.close()
        return nil
    }

    func dropSpares(_ isUnwanted: (Key) -> Bool) async {
        let unwanted = spares.filter { isUnwanted($0.key) }
        for key in unwanted.keys { spares[key] = nil }
        for spare in unwanted.values { await spare.close() }
    }
}
