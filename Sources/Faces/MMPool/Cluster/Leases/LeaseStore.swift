package import MMCore

/// Where leases are written. It knows no time: who may take a lease over is decided by watching it stand still, so that no
/// clock of any machine can end one early.
package protocol LeaseStore: Sendable {
    /// Reads a lease; a free one where there is none yet.
    /// - Throws: `unavailable` where the store can't be reached.
    func read(_ name: String) async throws(MMError) -> LeaseRecord

    /// Takes a lease, if it still stands as it was seen.
    /// - Parameters:
    ///   - name: what is leased.
    ///   - seen: how it stood.
    ///   - holder: the id of the node that takes it.
    ///   - address: where that node is reached.
    ///   - term: how long it is to be valid.
    /// - Returns: how it stands now, with a new token where the holder has it.
    /// - Throws: `unavailable`; the lease may be taken then, for nobody.
    func take(
        _ name: String, seen: LeaseRecord, for holder: String, at address: String, term: Duration
    ) async throws(MMError) -> LeaseRecord

    /// Lets a holding go on.
    /// - Returns: whether it was still the holder's.
    /// - Throws: `unavailable`.
    func renew(_ name: String, holder: String, token: Int64, term: Duration) async throws(MMError) -> Bool

    /// Gives a lease back; somebody else's is left alone.
    /// - Throws: `unavailable`.
    func release(_ name: String, holder: String, token: Int64) async throws(MMError)
}
