// FFmpeg's libraries for Swift. The libraries themselves are used as they are; an inline wrapper stands here only
// where Swift cannot import the original, and says why.
#ifndef EMBRYOPROFILER_CFFMPEG_H
#define EMBRYOPROFILER_CFFMPEG_H

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libavutil/dict.h>
#include <libavutil/display.h>
#include <libavutil/error.h>
#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libavutil/sha.h>
#include <libswscale/swscale.h>
// malloc_trim: gives back what decoders leave, before other work takes memory of its own.
#include <malloc.h>

// AVERROR and FFERRTAG are function-like macros, which Swift does not import.
static inline int cffmpeg_error_again(void) { return AVERROR(EAGAIN); }
static inline int cffmpeg_error_no_memory(void) { return AVERROR(ENOMEM); }
static inline int cffmpeg_error_end_of_file(void) { return AVERROR_EOF; }
static inline int cffmpeg_error_invalid_data(void) { return AVERROR_INVALIDDATA; }

// AV_NOPTS_VALUE is a macro with a cast, which Swift does not import.
static inline int64_t cffmpeg_no_timestamp(void) { return AV_NOPTS_VALUE; }

// The display matrix of a stream moved to its codec parameters in FFmpeg 6.1, and the old call left in 7: the
// version is known only to the preprocessor.
static inline const int32_t *cffmpeg_stream_display_matrix(const AVStream *stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *data = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data && data->size >= 9 * sizeof(int32_t) ? (const int32_t *)data->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
#endif
}

// The same move, for writing: room for nine numbers, or NULL.
static inline int32_t *cffmpeg_new_stream_display_matrix(AVStream *stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    AVPacketSideData *data = av_packet_side_data_new(
        &stream->codecpar->coded_side_data, &stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX,
        9 * sizeof(int32_t), 0);
    return data ? (int32_t *)data->data : NULL;
#else
    return (int32_t *)av_stream_new_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, 9 * sizeof(int32_t));
#endif
}

// key_frame became a bit of `flags` in FFmpeg 6.1: the version is known only to the preprocessor.
static inline int cffmpeg_frame_is_key(const AVFrame *frame) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(58, 29, 100)
    return (frame->flags & AV_FRAME_FLAG_KEY) != 0;
#else
    return frame->key_frame;
#endif
}

// A log callback takes a va_list, whose Swift type differs between processors: the text is written out here and
// handed to a plain C function pointer, with the `opaque` of the codec that speaks, if it is one (a decoder's threads
// speak through copies of its context, which keep that field). Set once, before the first use of the libraries.
typedef void (*cffmpeg_log_sink)(void *codec_opaque, const char *text);

// Inside a function: Swift's compiler emits a header's functions, with their own statics, but not its variables.
static inline cffmpeg_log_sink *cffmpeg_sink_place(void) {
    static cffmpeg_log_sink sink;
    return &sink;
}

static inline void cffmpeg_log_callback(void *context, int level, const char *format, va_list arguments) {
    char text[512];
    void *opaque = NULL;
    cffmpeg_log_sink sink = *cffmpeg_sink_place();
    if (level > AV_LOG_ERROR || !sink) return;
    if (context && *(const AVClass **)context == avcodec_get_class()) opaque = ((AVCodecContext *)context)->opaque;
    vsnprintf(text, sizeof text, format, arguments);
    sink(opaque, text);
}

static inline void cffmpeg_set_log_sink(cffmpeg_log_sink sink) {
    *cffmpeg_sink_place() = sink;
    av_log_set_callback(cffmpeg_log_callback);
}

#endif
