/// What the cluster knows of a lease.
package struct LeaseRecord: Sendable, Hashable {
    /// The id of the node that holds it, one a process; empty where nobody does.
    package var holder: String
    /// Where that node is reached.
    package var address: String
    /// The number of this holding. It only grows, over all holders.
    package var token: Int64
    /// Changes with each renewal: a record that stands still belongs to somebody who is gone.
    package var beat: Int64
    /// How long it is valid after a renewal, in milliseconds.
    package var term: Int64

    /// Whether nobody holds it.
    package var isFree: Bool { holder.isEmpty }

    package init(holder: String = "", address: String = "", token: Int64 = 0, beat: Int64 = 0, term: Int64 = 0) {
        self.holder = holder
        self.address = address
        self.token = token
        self.beat = beat
        self.term = term
    }
}
