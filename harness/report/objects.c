/* The formats for objects: a table for people, records, and csv. */
#define _GNU_SOURCE
#include "report/objects.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "report/records.h"

#define HOLDERS_SHOWN 4

const char *object_owner(uid_t owner, char text[64])
{
    static uid_t known = (uid_t)-1; /* the same few again and again */
    static char name[64];
    if (known != owner) {
        const struct passwd *entry = getpwuid(owner);
        known = owner;
        if (entry)
            snprintf(name, sizeof name, "%s", entry->pw_name);
        else
            snprintf(name, sizeof name, "%u", (unsigned)owner);
    }
    snprintf(text, 64, "%s", name);
    return text;
}

const char *object_age_text(uint64_t seconds, char text[24])
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } steps[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    size_t i = 0;
    while (i < 3 && seconds < 2 * steps[i].seconds)
        i++;
    snprintf(text, 24, "%" PRIu64 " %s", seconds / steps[i].seconds, steps[i].name);
    return text;
}

/* "rw", "r", "w", or "path" for a descriptor that gives neither. */
static const char *rights(unsigned access, unsigned read, unsigned write)
{
    if (access & read)
        return access & write ? "rw" : "r";
    return access & write ? "w" : "";
}

static const char *open_rights(unsigned access)
{
    const char *text = rights(access, HOLDS_OPEN_READ, HOLDS_OPEN_WRITE);
    return *text ? text : "path";
}

static const char *mapped_rights(unsigned access)
{
    const char *text = rights(access, HOLDS_MAPPED_READ, HOLDS_MAPPED_WRITE);
    return *text ? text : "none";
}

/* "1234(python3) open rw, mapped r" */
static void put_holder(FILE *out, const struct object_holder *holder)
{
    fprintf(out, "%d(", (int)holder->pid);
    text_put(out, holder->command);
    fputc(')', out);
    if (holder->access & HOLDS_OPEN)
        fprintf(out, " open %s", open_rights(holder->access));
    if (holder->access & HOLDS_MAPPED)
        fprintf(out, " mapped %s%s", mapped_rights(holder->access), holder->access & HOLDS_MAPPED_PRIVATE ? " private" : "");
    if (holder->access & HOLDS_MOUNTED)
        fputs(" mounted", out);
}

/* ---- human ---- */

static void human_begin(FILE *out)
{
    fprintf(out, "%10s %10s  %-8s  %-10s %4s %7s  %-16s  %s\n", "allocated", "size", "kind", "owner", "mode", "age", "state",
            "name, and who holds it");
}

static void human_one(FILE *out, const struct object *object)
{
    char allocated[UNITS_TEXT] = "?", size[UNITS_TEXT] = "?", owner[64] = "?", mode[16] = "?", age[24] = "?";
    if (object->measured) {
        units_print(&units_size, (double)object->allocated_bytes, allocated);
        units_print(&units_size, (double)object->bytes, size);
        object_owner(object->owner, owner);
        snprintf(mode, sizeof mode, "%04o", (unsigned)object->mode & 07777);
        object_age_text(object_age_s(object), age);
    }
    fprintf(out, "%10s %10s  %-8s  %-10s %4s %7s  %-16s  ", allocated, size, object_kind_name(object->kind), owner, mode,
            age, object_state_name(object->state));
    text_put(out, object->name);
    for (size_t i = 0; i < object->holder_count && i < HOLDERS_SHOWN; i++) {
        fputs(i ? "; " : "  ", out);
        put_holder(out, &object->holders[i]);
    }
    if (object->holder_count > HOLDERS_SHOWN)
        fprintf(out, "; and %zu more", object->holder_count - HOLDERS_SHOWN);
    if (object->state == OBJECT_UNKNOWN || object->state == OBJECT_ELSEWHERE)
        fprintf(out, "  (%s)", object->why);
    fputc('\n', out);
}

static void human_end(FILE *out, const struct objects *objects, size_t shown, const struct shm_capacity *c)
{
    char used[UNITS_TEXT], unused[UNITS_TEXT], limit[UNITS_TEXT], states[128] = "";
    size_t counts[OBJECT_STATES] = {0};
    for (size_t i = 0; i < objects->count; i++)
        counts[objects->list[i].state]++;
    for (int i = 0; i < OBJECT_STATES; i++)
        if (counts[i])
            snprintf(states + strlen(states), sizeof states - strlen(states), "%s %zu %s", *states ? "," : ":", counts[i],
                     object_state_name((enum object_state)i));
    fprintf(out, "%zu object%s%s", objects->count, objects->count == 1 ? "" : "s", states);
    if (shown != objects->count)
        fprintf(out, "; %zu shown", shown);
    if (objects->cut)
        fputs("; there are more than can be listed", out);
    fprintf(out, "\n%s: ", c->path);
    if (c->free_bytes == CAPACITY_UNLIMITED)
        fputs("bytes without limit", out);
    else
        fprintf(out, "%s used, %s free of %s", units_print(&units_size, (double)(c->size_bytes - c->free_bytes), used),
                units_print(&units_size, (double)c->free_bytes, unused),
                units_print(&units_size, (double)c->size_bytes, limit));
    if (c->inodes == 0)
        fputs("; inodes without limit", out);
    else
        fprintf(out, "; inodes %" PRIu64 " used, %" PRIu64 " free of %" PRIu64, c->inodes - c->inodes_free, c->inodes_free,
                c->inodes);
    fprintf(out, " (%s)\n", c->filesystem);
    if (objects->unseen)
        fprintf(out, "%u process%s may not be looked into by this user: holders may be missing\n", objects->unseen,
                objects->unseen == 1 ? "" : "es");
    else if (objects->hidden)
        fputs("/proc keeps the processes of other users to itself (hidepid): holders may be missing\n", out);
}

/* ---- jsonl ---- */

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *record_holder(const struct object_holder *holder)
{
    json_t *record = json_pack("{s:i}", "pid", (int)holder->pid);
    json_object_set_new(record, "command", record_text(holder->command));
    json_object_set_new(record, "open",
                        holder->access & HOLDS_OPEN ? json_string(open_rights(holder->access)) : json_null());
    json_object_set_new(record, "mapped",
                        holder->access & HOLDS_MAPPED ? json_string(mapped_rights(holder->access)) : json_null());
    json_object_set_new(record, "private", json_boolean(holder->access & HOLDS_MAPPED_PRIVATE));
    json_object_set_new(record, "mounted", json_boolean(holder->access & HOLDS_MOUNTED));
    return record;
}

json_t *record_object(const struct object *object)
{
    char owner[64], mode[16];
    json_t *record = json_pack("{s:s, s:s}", "type", "object", "kind", object_kind_name(object->kind));
    json_object_set_new(record, "name", record_text(object->name));
    json_object_set_new(record, "device", integer(object->device));
    json_object_set_new(record, "inode", integer(object->inode));
    if (object->measured) {
        snprintf(mode, sizeof mode, "%04o", (unsigned)object->mode & 07777);
        json_object_set_new(record, "bytes", integer(object->bytes));
        json_object_set_new(record, "allocated_bytes", integer(object->allocated_bytes));
        json_object_set_new(record, "links", integer(object->links));
        json_object_set_new(record, "uid", integer(object->owner));
        json_object_set_new(record, "owner", record_text(object_owner(object->owner, owner)));
        json_object_set_new(record, "mode", json_string(mode));
        json_object_set_new(record, "age_s", integer(object_age_s(object)));
    }
    json_object_set_new(record, "state", json_string(object_state_name(object->state)));
    json_object_set_new(record, "why", json_string(object->why));
    json_t *holders = json_array();
    for (size_t i = 0; i < object->holder_count; i++)
        json_array_append_new(holders, record_holder(&object->holders[i]));
    json_object_set_new(record, "holders", holders);
    return record;
}

json_t *record_usage(const struct objects *objects, const struct shm_capacity *c)
{
    json_t *record = json_pack("{s:s, s:s, s:s}", "type", "usage", "path", c->path, "filesystem", c->filesystem);
    bool limited = c->free_bytes != CAPACITY_UNLIMITED;
    json_object_set_new(record, "bytes_used", limited ? integer(c->size_bytes - c->free_bytes) : json_null());
    json_object_set_new(record, "bytes_free", limited ? integer(c->free_bytes) : json_null());
    json_object_set_new(record, "bytes_limit", limited ? integer(c->size_bytes) : json_null());
    json_object_set_new(record, "inodes_used", c->inodes ? integer(c->inodes - c->inodes_free) : json_null());
    json_object_set_new(record, "inodes_free", c->inodes ? integer(c->inodes_free) : json_null());
    json_object_set_new(record, "inodes_limit", c->inodes ? integer(c->inodes) : json_null());
    json_object_set_new(record, "objects", integer(objects->count));
    json_object_set_new(record, "processes_unseen", integer(objects->unseen));
    return record;
}

static void write_and_drop(FILE *out, json_t *record)
{
    json_dumpf(record, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(record);
}

static void jsonl_one(FILE *out, const struct object *object)
{
    write_and_drop(out, record_object(object));
}

static void jsonl_end(FILE *out, const struct objects *objects, size_t shown, const struct shm_capacity *capacity)
{
    (void)shown;
    write_and_drop(out, record_usage(objects, capacity));
}

/* ---- csv ---- */

static void csv_begin(FILE *out)
{
    fputs("name,kind,bytes,allocated_bytes,owner,mode,age_s,state,holders,why,device,inode\r\n", out);
}

static void csv_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++)
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    fputc('"', out);
}

static void csv_one(FILE *out, const struct object *object)
{
    char owner[64];
    csv_text(out, object->name);
    fprintf(out, ",%s,", object_kind_name(object->kind));
    if (object->measured)
        fprintf(out, "%" PRIu64 ",%" PRIu64 ",%s,%04o,%" PRIu64 ",", object->bytes, object->allocated_bytes,
                object_owner(object->owner, owner), (unsigned)object->mode & 07777, object_age_s(object));
    else
        fputs(",,,,,", out);
    fprintf(out, "%s,\"", object_state_name(object->state));
    for (size_t i = 0; i < object->holder_count; i++)
        fprintf(out, "%s%d", i ? " " : "", (int)object->holders[i].pid);
    fprintf(out, "\",\"%s\",%llu,%llu\r\n", object->why, (unsigned long long)object->device,
            (unsigned long long)object->inode);
}

/* ---- the table ---- */

static const struct object_format formats[] = {
    {.name = "human", .summary = "a table, for the eye", .begin = human_begin, .one = human_one, .end = human_end},
    {.name = "jsonl", .summary = "records, one a line", .one = jsonl_one, .end = jsonl_end},
    {.name = "csv", .summary = "one line an object, with a header", .begin = csv_begin, .one = csv_one},
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

const struct object_format *object_format_find(const char *name)
{
    for (int i = 0; i < FORMATS; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}

const char *const *object_format_names(void)
{
    static const char *names[FORMATS + 1];
    for (int i = 0; i < FORMATS; i++)
        names[i] = formats[i].name;
    return names;
}
