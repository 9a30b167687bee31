/* Stands in for NCCL, the CUDA driver and libtorch's CUDA library: writes down each call with its arguments as the C side sees them.
   Signatures are those of nccl.h, cuda.h and libtorch's shim.h, written out again. */
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdarg.h>
#include <string.h>

typedef struct { char internal[128]; } ncclUniqueId;
typedef struct { size_t size; unsigned int magic, version; int blocking, cgaClusterSize, minCTAs, maxCTAs; const char *netName; } ncclConfig_t;
typedef struct { int dummy; } communicator;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char text[1 << 16];
static size_t length;
static int async_states[16], async_count, event_result;
static intptr_t events = 0xE00;
static communicator the_communicator;

static void record(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&lock);
    if (length < sizeof text - 512) {
        length += vsnprintf(text + length, 512, format, arguments);
        length += sprintf(text + length, "\n");
    }
    pthread_mutex_unlock(&lock);
    va_end(arguments);
}

/* For the test. */
void recorder_take(char *destination, int size) {
    pthread_mutex_lock(&lock);
    snprintf(destination, size, "%.*s", (int)length, text);
    length = 0;
    pthread_mutex_unlock(&lock);
}
void recorder_push_async_state(int state) { async_states[async_count++] = state; }
void recorder_set_event_result(int result) { __atomic_store_n(&event_result, result, __ATOMIC_SEQ_CST); }
intptr_t recorder_communicator(void) { return (intptr_t)&the_communicator; }

/* nccl.h */
int ncclGetVersion(int *version) { *version = 22705; return 0; }
int ncclGetUniqueId(ncclUniqueId *id) { for (int i = 0; i < 128; i++) id->internal[i] = (char)(i * 3 + 1); return 0; }
int ncclCommInitRankConfig(communicator **comm, int nranks, ncclUniqueId id, int rank, ncclConfig_t *config) {
    unsigned sum = 0;
    for (int i = 0; i < 128; i++) sum = sum * 31 + (unsigned char)id.internal[i];
    record("init ranks=%d rank=%d id=%u size=%zu magic=%x version=%u blocking=%d undefined=%d net=%p", nranks, rank, sum,
        config->size, config->magic, config->version, config->blocking,
        config->cgaClusterSize == INT32_MIN && config->minCTAs == INT32_MIN && config->maxCTAs == INT32_MIN && config->size == sizeof *config, config->netName);
    *comm = &the_communicator;
    return 7; /* in progress */
}
int ncclCommFinalize(communicator *comm) { record("finalize %d", comm == &the_communicator); return 0; }
int ncclCommDestroy(communicator *comm) { record("destroy %d", comm == &the_communicator); return 0; }
int ncclCommAbort(communicator *comm) { record("abort %d", comm == &the_communicator); return 0; }
int ncclCommGetAsyncError(communicator *comm, int *state) {
    pthread_mutex_lock(&lock);
    *state = async_count > 0 ? async_states[--async_count] : 0;
    pthread_mutex_unlock(&lock);
    return comm == &the_communicator ? 0 : 4;
}
const char *ncclGetErrorString(int result) { return result == 2 ? "unhandled system error" : "another error"; }
const char *ncclGetLastError(communicator *comm) { (void)comm; return "the last words"; }
#define OPERATION(name) record(name " send=%p receive=%p count=%zu type=%d argument=%d comm=%d stream=%p", send, receive, count, type, argument, comm == &the_communicator, stream); return 0
int ncclAllReduce(const void *send, void *receive, size_t count, int type, int argument, communicator *comm, void *stream) { OPERATION("all-reduce"); }
int ncclReduceScatter(const void *send, void *receive, size_t count, int type, int argument, communicator *comm, void *stream) { OPERATION("reduce-scatter"); }
int ncclBroadcast(const void *send, void *receive, size_t count, int type, int argument, communicator *comm, void *stream) { OPERATION("broadcast"); }
int ncclAllGather(const void *send, void *receive, size_t count, int type, communicator *comm, void *stream) { int argument = -1; OPERATION("all-gather"); }

/* cuda.h */
int cuCtxGetCurrent(void **context) { *context = (void *)0xC0; return 0; }
int cuCtxSetCurrent(void *context) { record("context %p", context); return 0; }
int cuCtxGetStreamPriorityRange(int *least, int *greatest) { *least = 0; *greatest = -5; return 0; }
int cuStreamCreateWithPriority(void **stream, unsigned flags, int priority) { record("stream flags=%u priority=%d", flags, priority); *stream = (void *)0x5EED0000000BEEF; return 0; }
int cuStreamDestroy_v2(void *stream) { record("destroy stream %p", stream); return 0; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { record("stream %p waits for %p flags=%u", stream, event, flags); return 0; }
int cuEventCreate(void **event, unsigned flags) { *event = (void *)(events++); record("event %p flags=%u", *event, flags); return 0; }
int cuEventDestroy_v2(void *event) { record("destroy event %p", event); return 0; }
int cuEventRecord(void *event, void *stream) { record("record %p on %p", event, stream); return 0; }
int cuEventQuery(void *event) { (void)event; return __atomic_load_n(&event_result, __ATOMIC_SEQ_CST); }

/* torch/csrc/inductor/aoti_torch/c/shim.h */
int aoti_torch_get_current_cuda_stream(int32_t device, void **stream) { *stream = (void *)(intptr_t)(0x70 + device); return 0; }
