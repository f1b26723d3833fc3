import MMCore

/// An open `subscriptions/listen`.
struct Subscription: Sendable {
    let planned: PlannedCall
    let call: LiveCall
    let filter: ListenFilter

    /// The `_meta` that ties a message to the subscription.
    var meta: JSONValue { .object([MetaKey.subscriptionID: planned.id.json]) }

    /// Sends a notification that belongs to the subscription.
    func tell(_ method: String, _ params: JSONObject) {
        var tagged = params
        tagged["_meta"] = meta
        call.sendIfRoom(Envelope.notification(method, tagged))
    }
}

extension Session {
    /// Acknowledges a subscription as far as it can be honoured; its notifications follow.
    func openSubscription(_ planned: PlannedCall, _ call: LiveCall, _ filter: ListenFilter) {
        let context = RequestContext(profile: planned.profile, call: call, session: self, replies: nil)
        follow(.listen(planned.id)) {
            var filter = filter
            filter.tasks = await self.known(filter.tasks, context)
            await self.follow(self.acknowledge(planned, call, filter), context)
        }
    }

    /// The tasks among these that exist for the caller.
    private func known(_ ids: [String], _ context: RequestContext) async -> [String] {
        guard let store = server.tasks else { return [] }
        var known: [String] = []
        for id in ids where (try? await store.task(id, for: context)) != nil { known.append(id) }
        return known
    }

    private func acknowledge(_ planned: PlannedCall, _ call: LiveCall, _ filter: ListenFilter) -> Subscription {
        let subscription = Subscription(planned: planned, call: call, filter: filter)
        call.send(
            Envelope.notification(
                "notifications/subscriptions/acknowledged",
                ["notifications": .object(filter.json), "_meta": subscription.meta]
            )
        )
        // Registered only now, so that the acknowledgement precedes every notification.
        guarded.withLock { guarded in
            guard guarded.live[planned.id] === call else { return }
            guarded.listens[planned.id] = subscription
        }
        listenToChanges()
        return subscription
    }

    /// Starts observing the server's changes, once.
    func listenToChanges() {
        let token = server.changes.add { [weak self] change in self?.pass(on: change) }
        let surplus: Int? = guarded.withLock { guarded in
            if guarded.changeToken != nil || guarded.isClosed { return token }
            guarded.changeToken = token
            return nil
        }
        if let surplus { server.changes.remove(surplus) }
    }

    private func pass(on change: ChangeFeed.Change) {
        let (method, params) = change.notification
        let (listens, tellsHome): ([Subscription], Bool) = guarded.withLock { guarded in
            let wanted = guarded.listens.values.filter { $0.filter.wants(change) }
            guard guarded.state.handshake != nil else { return (wanted, false) }
            return switch change {
            case .list(let kind): (wanted, server.options.changingLists.contains(kind))
            case .resource(let uri): (wanted, guarded.state.watched.contains(uri))
            }
        }
        if tellsHome { sessionChannel.send(Envelope.notification(method, params)) }
        for listen in listens { listen.tell(method, params) }
    }

    /// Ends the open subscriptions by sending their results.
    func closeSubscriptions() {
        let listens: [Subscription] = guarded.withLock { guarded in
            let all = Array(guarded.listens.values)
            for listen in all {
                guarded.listens[listen.planned.id] = nil
                guarded.live[listen.planned.id] = nil
                guarded.state.free(listen.planned.id)
                guarded.state.workEnded(listen.planned)
            }
            return all
        }
        for listen in listens {
            unfollow(.listen(listen.planned.id))
            let result: JSONObject = ["resultType": "complete", "_meta": listen.meta]
            listen.call.answer(Envelope.result(listen.planned.id, result))
        }
    }
}
