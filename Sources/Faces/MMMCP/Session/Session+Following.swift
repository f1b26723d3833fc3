import MMCore

/// What a connection watches on behalf of its client.
enum Followed: Sendable, Hashable {
    /// A resource that a legacy client subscribed to.
    case resource(String)
    /// A task of a legacy client's call.
    case task(String)
    /// What a modern client listens to.
    case listen(RequestID)
}

extension Session {
    /// Does the work of watching until it ends, is no longer wanted, or the connection closes.
    func follow(_ what: Followed, _ work: @escaping @Sendable () async -> Void) {
        guarded.withLock { guarded in
            guard !guarded.isClosed, guarded.followers[what] == nil else { return }
            guarded.followers[what] = Task {
                await work()
                self.guarded.withLock { _ = $0.followers.removeValue(forKey: what) }
            }
        }
    }

    /// Ends the watching.
    func unfollow(_ what: Followed) {
        guarded.withLock { $0.followers.removeValue(forKey: what) }?.cancel()
    }

    /// Tells a legacy client when a resource that it subscribed to changes.
    func follow(resource uri: String, _ context: RequestContext) {
        guard let changes = server.changes(of: uri, for: context) else { return }
        follow(.resource(uri)) { [sessionChannel] in
            for await _ in changes {
                let (method, params) = ChangeFeed.Change.resource(uri).notification
                sessionChannel.send(Envelope.notification(method, params))
            }
        }
    }

    /// Tells a legacy client how a task of its call fares, until the task is over.
    func follow(task id: String, _ context: RequestContext) {
        guard context.era == .legacy, let store = server.tasks else { return }
        follow(.task(id)) { [sessionChannel] in
            for await state in store.states(of: id, for: context) {
                sessionChannel.send(Envelope.notification("notifications/tasks/status", state.json(for: .legacy)))
            }
        }
    }

    /// Tells a subscription what becomes of its tasks and resources.
    func follow(_ subscription: Subscription, _ context: RequestContext) async {
        await withTaskGroup { group in
            for id in subscription.filter.tasks {
                guard let store = server.tasks else { continue }
                group.addTask {
                    for await state in store.states(of: id, for: context) {
                        subscription.tell("notifications/tasks", await state.details(for: context.protocolVersion))
                    }
                }
            }
            for uri in subscription.filter.resources {
                guard let changes = server.changes(of: uri, for: context) else { continue }
                group.addTask {
                    for await _ in changes {
                        let (method, params) = ChangeFeed.Change.resource(uri).notification
                        subscription.tell(method, params)
                    }
                }
            }
        }
    }
}
