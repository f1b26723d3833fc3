internal import MMCore

/// A message on its way to one recipient. The traces of Exchange and those of Graph show the same ones.
struct TracedMessage: Sendable {
    let received: Int64
    let sender: String
    let recipient: String
    let subject: String
    let hasFailed: Bool
    let size: Int
    let fromIP: String
    /// The identifier in the message's header.
    let messageID: String
    /// The identifier by which the service traces it; the same for all its recipients.
    let traceID: String

    /// Returns the messages before the tenant's start: the latest first, those of one time by recipient.
    static func all(of store: DirectoryStore) -> [TracedMessage] {
        let mixing = store.mixing.branch(51)
        // The first accounts, by which the tenant is tried out, write and get more than others do.
        let (known, people) = (min(store.users.count, 5), min(store.users.count, 300))
        // A guest has no mailbox: the message comes from outside, or goes there.
        func address(_ index: Int, _ field: UInt64, outside: String) -> String {
            let isKnown = (index + Int(field)) % 5 == 0
            let row = store.users.row(mixing.number(index, field, below: isKnown ? known : people))
            return row.isGuest ? outside : row.mail
        }
        return (0..<400).flatMap { index in
            let fields: [UInt64] = index % 9 == 4 ? [2, 9, 10] : [2]
            let recipients = Set(fields.map { address(index, $0, outside: "partner@northwind.example") })
            let id = Guid.text(mixing.number(index, 4), mixing.number(index, 5))
            return recipients.sorted().map { recipient in
                TracedMessage(
                    received: store.users.now - Int64(index) * 971,
                    sender: address(index, 1, outside: "news@fabrikam.example"), recipient: recipient,
                    subject: [
                        "Quarterly figures", "Lunch?", "Invoice \(1000 + index)", "Re: contract", "Your order",
                    ][index % 5],
                    hasFailed: mixing.number(index, 3, below: 15) == 0,
                    size: 4000 + mixing.number(index, 6, below: 900_000), fromIP: "198.51.100.\(1 + index % 250)",
                    messageID: "<\(id)@sandbox.example>",
                    traceID: Guid.text(mixing.number(index, 7), mixing.number(index, 8)))
            }
        }
    }
}
