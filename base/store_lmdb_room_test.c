#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/store_lmdb.h"
#include "tests/kit/store_folder.h"
#include "tests/kit/t.h"

/* How many pages are held, while another process changes many of them in each
 * transaction and none is used again: somebody reads what was at first. */
#define RECORDS		20000
#define CHANGES		100
#define IN_ONE		160	/* records, spread over as many pages */
#define MAP		(UINT64_C(1) << 30)

static struct store_folder folder;

static MDB_env *
open_env(void)
{
	MDB_env *env;

	T_INT("made", mdb_env_create(&env), 0);
	mdb_env_set_mapsize(env, MAP);
	T_INT("opened", mdb_env_open(env, folder.path,
	    MDB_NOSYNC | MDB_NOTLS, 0600), 0);
	return env;
}

static int
change(MDB_env *env, unsigned first, unsigned step, unsigned n)
{
	static char value[100];
	MDB_val k, v = { sizeof(value), value };
	unsigned key;
	MDB_txn *txn;
	MDB_dbi table;
	int code = mdb_txn_begin(env, NULL, 0, &txn);

	if (code == 0)
		code = mdb_dbi_open(txn, NULL, 0, &table);
	for (unsigned i = 0; i < n && code == 0; i++) {
		key = __builtin_bswap32((first + i * step) % RECORDS);
		k = (MDB_val){ sizeof(key), &key };
		value[0]++;
		code = mdb_put(txn, table, &k, &v, 0);
	}
	return code != 0 ? code : mdb_txn_commit(txn);
}

static void
go_on(void)
{
	MDB_env *env = open_env();
	MDB_txn *first;
	int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &first);

	for (unsigned i = 0; i < CHANGES && code == 0; i++)
		code = change(env, i, RECORDS / IN_ONE, IN_ONE);
	_exit(code);
}

static void
look(MDB_env *env, MDB_txn *reader, struct store_pages *most, uint64_t *least)
{
	struct store_pages pages;

	if (store_lmdb_pages(env, reader, &pages) != 0)
		abort();
	if (pages.held < *least)
		*least = pages.held;
	if (pages.held > most->held)
		most->held = pages.held;
	if (pages.pinned > most->pinned)
		most->pinned = pages.pinned;
}

/* What the process ended with. What it read stays pinned behind its end. */
static int
look_until_end(pid_t pid, MDB_env *env, struct store_pages *most,
    uint64_t *least)
{
	MDB_txn *reader;
	int status = -1;

	T_INT("reader", mdb_txn_begin(env, NULL, MDB_RDONLY, &reader), 0);
	mdb_txn_reset(reader);
	while (waitpid(pid, &status, WNOHANG) == 0)
		look(env, reader, most, least);
	look(env, reader, most, least);
	mdb_txn_abort(reader);
	return status;
}

int
main(void)
{
	struct store_pages most = {0};
	uint64_t least = UINT64_MAX;
	MDB_env *env;
	pid_t pid;

	store_folder_make(&folder);
	env = open_env();
	T_INT("filled", change(env, 0, 1, RECORDS), 0);
	mdb_env_close(env);
	if ((pid = fork()) == 0)
		go_on();
	T_OK("there is another process", pid > 0);
	env = open_env();
	T_INT("it made all changes", look_until_end(pid, env, &most, &least),
	    0);
	T_OK("what is copied is pinned",
	    most.pinned > least + CHANGES * IN_ONE / 2);
	T_INT("what is held stays", most.held - least < 32 ? 0 :
	    most.held - least, 0);
	mdb_env_close(env);
	store_folder_remove(&folder);
	return t_done();
}
