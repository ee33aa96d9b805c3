#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/loop.h"
#include "base/mem.h"
#include "base/offload.h"

#define THREADS_MAX	8

struct job {
	void		(*run)(void *, const atomic_bool *);
	void		(*drop)(void *);
	void		*arg;
	atomic_bool	 dropped;	/* set by the loop's thread */
	bool		 is_done;	/* the loop has heard of its end */
	struct fiber	*waiter;	/* NULL once dropped */
	struct job	*next;
};

/* First in, first out. */
struct queue {
	struct job	*first, **end;
};

struct offload {
	pthread_t	 threads[THREADS_MAX];
	unsigned	 nthreads, wanted;
	pthread_mutex_t	 lock;		/* of what follows, up to the blank */
	pthread_cond_t	 more;
	struct queue	 todo, done;
	bool		 is_ending;

	int		 wake_fd;	/* something is in `done` */
	struct event	*event;
	size_t		 waiting;	/* the loop's thread only */
};

static void
queue_push(struct queue *q, struct job *job)
{
	job->next = NULL;
	*q->end = job;
	q->end = &job->next;
}

static struct job *
queue_pop(struct queue *q)
{
	struct job *job = q->first;

	if (job != NULL && (q->first = job->next) == NULL)
		q->end = &q->first;
	return job;
}

/* --- in the helper threads --- */

static void *
thread_main(void *arg)
{
	struct offload *o = arg;
	const uint64_t one = 1;
	struct job *job;

	pthread_mutex_lock(&o->lock);
	for (;;) {
		while ((job = queue_pop(&o->todo)) == NULL && !o->is_ending)
			pthread_cond_wait(&o->more, &o->lock);
		if (job == NULL)
			break;
		pthread_mutex_unlock(&o->lock);
		job->run(job->arg, &job->dropped);
		pthread_mutex_lock(&o->lock);
		queue_push(&o->done, job);
		/* The counter of an eventfd cannot be full here. */
		if (write(o->wake_fd, &one, sizeof(one)) < 0)
			abort();
	}
	pthread_mutex_unlock(&o->lock);
	return NULL;
}

/* --- in the loop's thread --- */

static void
take_done(struct offload *o)
{
	struct job *job;

	for (;;) {
		pthread_mutex_lock(&o->lock);
		job = queue_pop(&o->done);
		pthread_mutex_unlock(&o->lock);
		if (job == NULL)
			return;
		job->is_done = true;
		if (job->waiter != NULL) {
			fiber_wake(job->waiter);
			continue;
		}
		job->drop(job->arg);
		free(job);
	}
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	uint64_t count;

	(void)what;
	if (read((int)fd, &count, sizeof(count)) > 0)
		take_done(arg);
}

/* Fewer than wanted will do, none will not. */
static int
start_threads(struct offload *o, struct err *err)
{
	sigset_t all, before;
	int failed = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (failed == 0 && o->nthreads < o->wanted) {
		failed = pthread_create(&o->threads[o->nthreads], NULL,
		    thread_main, o);
		if (failed == 0)
			o->nthreads++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (o->nthreads == 0)
		return err_set(err, ERR_UNAVAIL, "helper thread: %s",
		    strerror(failed));
	return 0;
}

struct offload *
offload_create(unsigned threads)
{
	struct offload *o = mem_zalloc(sizeof(*o), "offload");

	assert(threads > 0 && threads <= THREADS_MAX);
	o->wanted = threads;
	pthread_mutex_init(&o->lock, NULL);
	pthread_cond_init(&o->more, NULL);
	o->todo.end = &o->todo.first;
	o->done.end = &o->done.first;
	o->wake_fd = -1;
	return o;
}

/* The descriptor through which the threads tell the loop. */
static int
watch(struct offload *o, struct err *err)
{
	o->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (o->wake_fd < 0)
		return err_set(err, ERR_UNAVAIL, "eventfd: %s",
		    strerror(errno));
	o->event = event_new(loop_base(), o->wake_fd, EV_READ | EV_PERSIST,
	    on_done, o);
	if (o->event == NULL || event_add(o->event, NULL) < 0)
		abort();
	return 0;
}

void
offload_destroy(struct offload **op)
{
	struct offload *o = *op;

	if (o == NULL)
		return;
	*op = NULL;
	assert(o->waiting == 0);
	pthread_mutex_lock(&o->lock);
	o->is_ending = true;
	pthread_cond_broadcast(&o->more);
	pthread_mutex_unlock(&o->lock);
	while (o->nthreads > 0)
		pthread_join(o->threads[--o->nthreads], NULL);
	take_done(o);
	if (o->event != NULL)
		event_free(o->event);
	if (o->wake_fd >= 0)
		close(o->wake_fd);
	pthread_cond_destroy(&o->more);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

MAY_YIELD int
offload_run(struct offload *o, void (*run)(void *, const atomic_bool *),
    void (*drop)(void *), void *arg, int64_t deadline, struct err *err)
{
	struct job *job;
	int ret = 0;

	if ((o->wake_fd < 0 && watch(o, err) < 0) ||
	    (o->nthreads < o->wanted && start_threads(o, err) < 0)) {
		drop(arg);
		return -1;
	}
	job = mem_zalloc(sizeof(*job), "offload");
	job->run = run;
	job->drop = drop;
	job->arg = arg;
	job->waiter = fiber_self();
	atomic_init(&job->dropped, false);
	pthread_mutex_lock(&o->lock);
	queue_push(&o->todo, job);
	pthread_cond_signal(&o->more);
	pthread_mutex_unlock(&o->lock);

	o->waiting++;
	while (!job->is_done && ret == 0)
		ret = fiber_wait(deadline, err);
	o->waiting--;
	if (job->is_done) {
		free(job);
		return 0;
	}
	job->waiter = NULL;
	atomic_store(&job->dropped, true);
	return -1;
}

size_t
offload_waiting(const struct offload *o)
{
	return o->waiting;
}
